/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 in the three spellings that the project uses. */
#ifndef EXC_BASE_DIGEST_H
#define EXC_BASE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DIGEST_BYTES 32
#define DIGEST_HEX_SIZE (2 * DIGEST_BYTES + 1)
/* "SHA256:" and 43 characters, as ssh-keygen -l prints it, and the NUL */
#define FINGERPRINT_SIZE (7 + 43 + 1)
#define FINGERPRINT_PREFIX "SHA256:"

/* Hash `length` bytes. Allocates nothing. False only when OpenSSL cannot hash at all. */
bool digest_sha256(const void *bytes, size_t length, uint8_t digest[DIGEST_BYTES]);

/* Lower-case hexadecimal of SHA-256: always safe as a file name. False as above. */
bool digest_hex(const void *bytes, size_t length, char hex[DIGEST_HEX_SIZE]);

/* Spell a digest in hexadecimal. */
void digest_print_hex(const uint8_t digest[DIGEST_BYTES], char hex[DIGEST_HEX_SIZE]);

/* The fingerprint of a public key blob as OpenSSH prints it: SHA256:<base64 without padding>.
 * False as above. */
bool digest_fingerprint(const uint8_t *blob, size_t length, char fingerprint[FINGERPRINT_SIZE]);

/* digest_hex() of the blob that has this fingerprint, without hashing. False if it is not a SHA-256
 * fingerprint in its canonical spelling. */
bool digest_hex_of_fingerprint(const char *fingerprint, char hex[DIGEST_HEX_SIZE]);

/* Is this what digest_hex() prints? */
bool digest_is_hex(const char *text);

#endif
