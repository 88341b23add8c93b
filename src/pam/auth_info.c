/* SPDX-License-Identifier: Apache-2.0 */
/* Read SSH_AUTH_INFO_0, in which sshd names the methods and keys that authenticated
 * (sshd_config(5), ExposeAuthInfo). */
#include "pam/auth_info.h"

#include <string.h>

#include "base/base64.h"
#include "base/ssh_key.h"

static const char method[] = "publickey ";

/* Hash the key of one line, which is not ended by NUL. */
static bool hash_line(const char *line, size_t length, char key_hash[DIGEST_HEX_SIZE])
{
	uint8_t blob[SSH_KEY_BLOB_MAX];
	const char *const end = line + length;
	const char *type, *base64, *after;
	ssize_t blob_length;

	if (length < strlen(method) || memcmp(line, method, strlen(method)) != 0)
		return false;
	type = line + strlen(method);
	base64 = memchr(type, ' ', (size_t)(end - type));
	if (base64 == NULL)
		return false;
	base64++;
	/* Whatever sshd writes behind the key some day must not make a one-time key look like none
	 * of ours: that would let it in again. */
	after = memchr(base64, ' ', (size_t)(end - base64));
	if (after == NULL)
		after = end;
	/* A certificate is a blob that was never offered. */
	blob_length = base64_decode(base64, (size_t)(after - base64), blob, sizeof blob);
	return blob_length > 0 && digest_hex(blob, (size_t)blob_length, key_hash);
}

bool auth_info_next_key(const char **cursor, char key_hash[DIGEST_HEX_SIZE])
{
	for (int i = 0; i < AUTH_INFO_LINES_MAX && **cursor != '\0'; i++) {
		const char *line = *cursor;
		size_t length = strcspn(line, "\n");

		*cursor += length + (line[length] == '\n');
		if (hash_line(line, length, key_hash))
			return true;
	}
	return false;
}
