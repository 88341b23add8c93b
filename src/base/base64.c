/* SPDX-License-Identifier: Apache-2.0 */
/* Strict base64 in its two alphabets (RFC 4648 sections 4 and 5). */
#include "base/base64.h"

static const char standard_alphabet[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_alphabet[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* The value of one character, or -1. `c62` and `c63` are the two that the alphabets differ in. */
static int sextet(char c, char c62, char c63)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == c62)
		return 62;
	return c == c63 ? 63 : -1;
}

static ssize_t decode(const char *text, size_t length, const char *alphabet, uint8_t *out,
		      size_t size)
{
	uint32_t bits = 0;
	unsigned int bit_count = 0;
	size_t written = 0;

	if (length % 4 == 1)
		return -1;
	for (size_t i = 0; i < length; i++) {
		int value = sextet(text[i], alphabet[62], alphabet[63]);

		if (value < 0)
			return -1;
		bits = bits << 6 | (uint32_t)value;
		bit_count += 6;
		if (bit_count < 8)
			continue;
		bit_count -= 8;
		if (written == size)
			return -1;
		out[written++] = (uint8_t)(bits >> bit_count);
	}
	/* Bits after the last byte that are not zero would be a second spelling of the same bytes.
	 */
	if ((bits & ((1U << bit_count) - 1)) != 0)
		return -1;
	return (ssize_t)written;
}

ssize_t base64_decode(const char *text, size_t length, uint8_t *out, size_t size)
{
	if (length % 4 != 0)
		return -1;
	for (int padding = 0; padding < 2 && length > 0 && text[length - 1] == '='; padding++)
		length--;
	return decode(text, length, standard_alphabet, out, size);
}

ssize_t base64url_decode(const char *text, size_t length, uint8_t *out, size_t size)
{
	return decode(text, length, url_alphabet, out, size);
}

static size_t encode(const uint8_t *bytes, size_t length, const char *alphabet, char *out)
{
	size_t written = 0;

	for (size_t i = 0; i < length; i += 3) {
		size_t left = length - i;
		uint32_t bits = (uint32_t)bytes[i] << 16;

		if (left > 1)
			bits |= (uint32_t)bytes[i + 1] << 8;
		if (left > 2)
			bits |= bytes[i + 2];
		out[written++] = alphabet[bits >> 18];
		out[written++] = alphabet[bits >> 12 & 63];
		if (left > 1)
			out[written++] = alphabet[bits >> 6 & 63];
		if (left > 2)
			out[written++] = alphabet[bits & 63];
	}
	out[written] = '\0';
	return written;
}

size_t base64_encode(const uint8_t *bytes, size_t length, char *out)
{
	size_t written = encode(bytes, length, standard_alphabet, out);

	while (written % 4 != 0)
		out[written++] = '=';
	out[written] = '\0';
	return written;
}

size_t base64url_encode(const uint8_t *bytes, size_t length, char *out)
{
	return encode(bytes, length, url_alphabet, out);
}
