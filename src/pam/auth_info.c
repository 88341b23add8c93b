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
	const char *type, *base64;
	ssize_t blob_length;

	if (length < strlen(method) || memcmp(line, method, strlen(method)) != 0)
		return false;
	type = line + strlen(method);
	base64 = memchr(type, ' ', (size_t)(line + length - type));
	if (base64 == NULL)
		return false;
	/* A certificate's line is its type and the certificate, or the key and its CA: either way
	 * there is more than one word, or a blob that was never offered. */
	base64++;
	blob_length = base64_decode(base64, (size_t)(line + length - base64), blob, sizeof blob);
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
