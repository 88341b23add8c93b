/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 in the three spellings that the project uses. */
#include "grant/digest.h"

#include <string.h>

#include <openssl/evp.h>

#include "grant/base64.h"

bool digest_sha256(const void *bytes, size_t length, uint8_t digest[DIGEST_BYTES])
{
	unsigned int written = 0;

	return EVP_Digest(bytes, length, digest, &written, EVP_sha256(), NULL) == 1 &&
	       written == DIGEST_BYTES;
}

bool digest_hex(const void *bytes, size_t length, char hex[DIGEST_HEX_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	uint8_t digest[DIGEST_BYTES];

	hex[0] = '\0';
	if (!digest_sha256(bytes, length, digest))
		return false;
	for (size_t i = 0; i < DIGEST_BYTES; i++) {
		hex[2 * i] = digits[digest[i] >> 4];
		hex[2 * i + 1] = digits[digest[i] & 15];
	}
	hex[DIGEST_HEX_SIZE - 1] = '\0';
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
	memcpy(fingerprint, "SHA256:", 7);
	memcpy(fingerprint + 7, encoded,
	       43); /* the 44th is the padding, which OpenSSH leaves out */
	fingerprint[FINGERPRINT_SIZE - 1] = '\0';
	return true;
}
