/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 in the three spellings that the project uses. */
/* OpenSSL 3 prefers EVP_Digest(3), which makes a library context first: that takes a millisecond,
 * and ends the process when there is no memory. These functions allocate nothing, so that sshd's
 * module can always tell whose key it is. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "base/digest.h"

#include <string.h>

#include <openssl/sha.h>

#include "base/base64.h"

bool digest_sha256(const void *bytes, size_t length, uint8_t digest[DIGEST_BYTES])
{
	SHA256_CTX context;

	return SHA256_Init(&context) == 1 && SHA256_Update(&context, bytes, length) == 1 &&
	       SHA256_Final(digest, &context) == 1;
}

bool digest_hex(const void *bytes, size_t length, char hex[DIGEST_HEX_SIZE])
{
	uint8_t digest[DIGEST_BYTES];

	hex[0] = '\0';
	if (!digest_sha256(bytes, length, digest))
		return false;
	digest_print_hex(digest, hex);
	return true;
}

bool digest_fingerprint(const uint8_t *blob, size_t length, char fingerprint[FINGERPRINT_SIZE])
{
	uint8_t digest[DIGEST_BYTES];
	char encoded[BASE64_SIZE(DIGEST_BYTES)];

	fingerprint[0] = '\0';
	if (!digest_sha256(blob, length, digest))
		return false;
	base64_encode(digest, sizeof digest, encoded);
	memcpy(fingerprint, FINGERPRINT_PREFIX, strlen(FINGERPRINT_PREFIX));
	/* Without the last character, the padding, which OpenSSH leaves out */
	memcpy(fingerprint + strlen(FINGERPRINT_PREFIX), encoded, sizeof encoded - 2);
	fingerprint[FINGERPRINT_SIZE - 1] = '\0';
	return true;
}
