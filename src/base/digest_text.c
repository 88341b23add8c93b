/* SPDX-License-Identifier: Apache-2.0 */
/* The spellings of SHA-256, without computing one: for a program that does without OpenSSL. */
#include "base/digest.h"

#include <string.h>

#include "base/base64.h"

static const char digits[] = "0123456789abcdef";

void digest_print_hex(const uint8_t digest[DIGEST_BYTES], char hex[DIGEST_HEX_SIZE])
{
	for (size_t i = 0; i < DIGEST_BYTES; i++) {
		hex[2 * i] = digits[digest[i] >> 4];
		hex[2 * i + 1] = digits[digest[i] & 15];
	}
	hex[DIGEST_HEX_SIZE - 1] = '\0';
}

bool digest_is_hex(const char *text)
{
	return strlen(text) == DIGEST_HEX_SIZE - 1 && strspn(text, digits) == DIGEST_HEX_SIZE - 1;
}

bool digest_hex_of_fingerprint(const char *fingerprint, char hex[DIGEST_HEX_SIZE])
{
	uint8_t digest[DIGEST_BYTES];
	char padded[BASE64_SIZE(DIGEST_BYTES)];

	if (strlen(fingerprint) != FINGERPRINT_SIZE - 1 ||
	    strncmp(fingerprint, FINGERPRINT_PREFIX, strlen(FINGERPRINT_PREFIX)) != 0)
		return false;
	memcpy(padded, fingerprint + strlen(FINGERPRINT_PREFIX), sizeof padded - 2);
	padded[sizeof padded - 2] = '='; /* base64_decode() needs no NUL */
	if (base64_decode(padded, sizeof padded - 1, digest, sizeof digest) != DIGEST_BYTES)
		return false;
	digest_print_hex(digest, hex);
	return true;
}
