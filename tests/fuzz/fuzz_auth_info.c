/* SPDX-License-Identifier: Apache-2.0 */
/* SSH_AUTH_INFO_0, as PAM's environment has it: each key that it names is found, and nothing else.
 */
#include "fuzz.h"

#include "base/base64.h"
#include "base/cleanup.h"
#include "base/ssh_key.h"
#include "pam/auth_info.h"

#define METHOD "publickey "

/* Is this hash that of a key which stands on a line of its own? */
static bool is_named(const char *text, const char key_hash[DIGEST_HEX_SIZE])
{
	char hash[DIGEST_HEX_SIZE];
	uint8_t blob[SSH_KEY_BLOB_MAX];

	for (const char *line = text; *line != '\0'; line += strspn(line, "\n")) {
		size_t length = strcspn(line, "\n");
		const char *word = line;
		ssize_t decoded;

		/* The third word of the line */
		for (int i = 0; i < 2 && word != NULL; i++) {
			word = memchr(word, ' ', (size_t)(line + length - word));
			word = word == NULL ? NULL : word + 1;
		}
		decoded = word == NULL
				  ? 0
				  : base64_decode(word, strcspn(word, " \n"), blob, sizeof blob);
		if (strncmp(line, METHOD, strlen(METHOD)) == 0 && decoded > 0 &&
		    digest_hex(blob, (size_t)decoded, hash) && strcmp(hash, key_hash) == 0)
			return true;
		line += length;
	}
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	_cleanup_free_ char *text = fuzz_text(bytes, length);
	const char *cursor = text, *before = text;
	char key_hash[DIGEST_HEX_SIZE];
	int found = 0;

	while (auth_info_next_key(&cursor, key_hash)) {
		must(++found <= (int)strlen(text));
		must(cursor > before && cursor <= text + strlen(text));
		must(strlen(key_hash) == DIGEST_HEX_SIZE - 1 && is_named(text, key_hash));
		before = cursor;
	}
	return 0;
}
