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

static const char prefix[] = "SHA256:";

bool digest_sha256(const void *bytes, size_t length, uint8_t digest[DIGEST_BYTES])
{
	SHA256_CTX context;

	return SHA256_Init(&context) == 1 && SHA256_Update(&context, bytes, length) == 1 &&
	       SHA256_Final(digest, &context) == 1;
}

static const char digits[] = "0123456789abcdef";

static void print_hex(const uint8_t digest[DIGEST_BYTES], char hex[DIGEST_HEX_SIZE])
{
	for (size_t i = 0; i < DIGEST_BYTES; i++) {
		hex[2 * i] = digits[digest[i] >> 4];
		hex[2 * i + 1] = digits[digest[i] & 15];
	}
	hex[DIGEST_HEX_SIZE - 1] = '\0';
}

bool digest_hex(const void *bytes, size_t length, char hex[DIGEST_HEX_SIZE])
{
	uint8_t digest[DIGEST_BYTES];

	hex[0] = '\0';
	if (!digest_sha256(bytes, length, digest))
		return false;
	print_hex(digest, hex);
	return true;
}

bool digest_is_hex(const char *text)
{
	return strlen(text) == DIGEST_HEX_SIZE - 1 && strspn(text, digits) == DIGEST_HEX_SIZE - 1;
}

bool digest_fingerprint(const uint8_t *blob, size_t length, char fingerprint[FINGERPRINT_SIZE])
{
	uint8_t digest[DIGEST_BYTES];
	char encoded[BASE64_SIZE(DIGEST_BYTES)];

	fingerprint[0] = '\0';
	if (!digest_sha256(blob, length, digest))
		return false;
	base64_encode(digest, sizeof digest, encoded);
	memcpy(fingerprint, prefix, strlen(prefix));
	/* Without the last character, the padding, which OpenSSH leaves out */
	memcpy(fingerprint + strlen(prefix), encoded, sizeof encoded - 2);
	fingerprint[FINGERPRINT_SIZE - 1] = '\0';
	return true;
}

bool digest_hex_of_fingerprint(const char *fingerprint, char hex[DIGEST_HEX_SIZE])
{
	uint8_t digest[DIGEST_BYTES];
	char padded[BASE64_SIZE(DIGEST_BYTES)];

	if (strlen(fingerprint) != FINGERPRINT_SIZE - 1 ||
	    strncmp(fingerprint, prefix, strlen(prefix)) != 0)
		return false;
	memcpy(padded, fingerprint + strlen(prefix), sizeof padded - 2);
	padded[sizeof padded - 2] = '='; /* base64_decode() needs no NUL */
	if (base64_decode(padded, sizeof padded - 1, digest, sizeof digest) != DIGEST_BYTES)
		return false;
	print_hex(digest, hex);
	return true;
}
