/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing over U+10FFFF. */
#include "base/utf8.h"

/* How many bytes follow the first of a character, and the lowest and highest value of the second
 * (RFC 3629 section 4). -1: no character begins like this. */
static int following(uint8_t first, uint8_t *least, uint8_t *greatest)
{
	*least = 0x80;
	*greatest = 0xbf;
	if (first < 0x80)
		return 0;
	if (first < 0xc2 || first > 0xf4)
		return -1;
	if (first == 0xe0)
		*least = 0xa0;
	else if (first == 0xed)
		*greatest = 0x9f;
	else if (first == 0xf0)
		*least = 0x90;
	else if (first == 0xf4)
		*greatest = 0x8f;
	return first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
}

enum utf8_verdict utf8_character(const uint8_t *bytes, size_t length, size_t *size)
{
	uint8_t least, greatest;
	int count = following(bytes[0], &least, &greatest);

	if (count < 0)
		return UTF8_NOT;
	for (size_t i = 1; i <= (size_t)count; i++) {
		if (i == length)
			return UTF8_SPLIT;
		if (bytes[i] < least || bytes[i] > greatest)
			return UTF8_NOT;
		least = 0x80;
		greatest = 0xbf;
	}
	*size = (size_t)count + 1;
	return UTF8_WHOLE;
}

enum utf8_verdict utf8_check(const uint8_t *bytes, size_t length, size_t *whole)
{
	enum utf8_verdict verdict = UTF8_WHOLE;
	size_t size;

	for (*whole = 0; *whole < length && verdict == UTF8_WHOLE;) {
		verdict = utf8_character(bytes + *whole, length - *whole, &size);
		if (verdict == UTF8_WHOLE)
			*whole += size;
	}
	return verdict;
}
