/* SPDX-License-Identifier: Apache-2.0 */
/* An OpenSSH public key: what is taken is printed again as it was. */
#include "fuzz.h"

#include "base/cleanup.h"
#include "base/ssh_key.h"

/* sshd passes the type and the base64 apart; both ways must say the same. */
static enum ssh_key_result parse_parts(const char *text, struct ssh_key *key)
{
	const char *space = strchr(text, ' ');

	return space == NULL ? SSH_KEY_MALFORMED
			     : ssh_key_parse_parts(text, (size_t)(space - text), space + 1, key);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	_cleanup_free_ char *text = fuzz_text(bytes, length);
	char printed[SSH_KEY_TEXT_SIZE];
	struct ssh_key key, same;
	enum ssh_key_result result = ssh_key_parse(text, &key);

	must(parse_parts(text, &same) == result);
	must(result == SSH_KEY_OK || result == SSH_KEY_MALFORMED ||
	     result == SSH_KEY_TYPE_NOT_ALLOWED || result == SSH_KEY_WEAK);
	if (result != SSH_KEY_OK)
		return 0;
	ssh_key_print(&key, printed);
	must(strcmp(printed, text) == 0);
	must(same.type == key.type && same.blob_length == key.blob_length &&
	     memcmp(same.blob, key.blob, key.blob_length) == 0);
	return 0;
}
