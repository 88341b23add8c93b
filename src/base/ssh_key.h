/* SPDX-License-Identifier: Apache-2.0 */
/* Parse an OpenSSH public key down to its blob (RFC 4253 section 6.6, RFC 5656, RFC 8709,
 * OpenSSH PROTOCOL.u2f). */
#ifndef EXC_BASE_SSH_KEY_H
#define EXC_BASE_SSH_KEY_H

#include <stddef.h>
#include <stdint.h>

#include "base/base64.h"

#define SSH_KEY_RSA_BITS_MIN 2048
#define SSH_KEY_RSA_BITS_MAX 16384
/* An RSA key of SSH_KEY_RSA_BITS_MAX with any exponent that OpenSSL accepts fits. */
#define SSH_KEY_BLOB_MAX 4096
/* The longest type name is sk-ecdsa-sha2-nistp256@openssh.com. */
#define SSH_KEY_TYPE_MAX 64
/* "type base64" and its NUL */
#define SSH_KEY_TEXT_SIZE (SSH_KEY_TYPE_MAX + 1 + BASE64_SIZE(SSH_KEY_BLOB_MAX))

enum ssh_key_result {
	SSH_KEY_OK,
	SSH_KEY_MALFORMED,
	SSH_KEY_TYPE_NOT_ALLOWED, /* never a one-time key; includes certificates */
	SSH_KEY_WEAK, /* RSA under SSH_KEY_RSA_BITS_MIN */
};

struct ssh_key {
	const char *type; /* a constant of this project, such as "ssh-ed25519" */
	size_t blob_length;
	uint8_t blob[SSH_KEY_BLOB_MAX];
};

/* Parse "type base64": one space, no comment, no options, no line break. The blob must name the
 * same type and hold nothing but that type's fields. */
enum ssh_key_result ssh_key_parse(const char *text, struct ssh_key *key);

/* The same with type and base64 apart, as sshd passes %t and %k. */
enum ssh_key_result ssh_key_parse_parts(const char *type, size_t type_length, const char *base64,
					struct ssh_key *key);

/* Print "type base64" from the checked fields into `text`. */
void ssh_key_print(const struct ssh_key *key, char text[SSH_KEY_TEXT_SIZE]);

#endif
