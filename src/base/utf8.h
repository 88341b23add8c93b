/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing over U+10FFFF. */
#ifndef EXC_BASE_UTF8_H
#define EXC_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

enum utf8_verdict {
	UTF8_WHOLE,
	UTF8_SPLIT, /* the last character, of up to 3 bytes so far, is not complete */
	UTF8_NOT
};

/* Does a character begin here, in at least one byte? *size is its number of bytes, if it is whole.
 */
enum utf8_verdict utf8_character(const uint8_t *bytes, size_t length, size_t *size);

/* Are these bytes UTF-8? *whole is how many of them, from the first, are complete characters. */
enum utf8_verdict utf8_check(const uint8_t *bytes, size_t length, size_t *whole);

#endif
