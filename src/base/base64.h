/* SPDX-License-Identifier: Apache-2.0 */
/* Strict base64 in its two alphabets (RFC 4648 sections 4 and 5). */
#ifndef EXC_BASE_BASE64_H
#define EXC_BASE_BASE64_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Characters that encoding `bytes` bytes takes, padding and the final NUL included. */
#define BASE64_SIZE(bytes) (((bytes) + 2) / 3 * 4 + 1)

/* Decode `length` characters of standard base64, with padding, into `out` of `size` bytes.
 * Only the canonical spelling is accepted: no white space, no missing padding, no set bits after
 * the end. Returns the number of bytes, or -1 when the text is anything else or does not fit. */
ssize_t base64_decode(const char *text, size_t length, uint8_t *out, size_t size);

/* The same for base64url without padding, the form that JWS uses (RFC 7515 section 2). */
ssize_t base64url_decode(const char *text, size_t length, uint8_t *out, size_t size);

/* Encode with padding and a final NUL; `out` has room for BASE64_SIZE(length). Returns the length
 * of the text without the NUL. */
size_t base64_encode(const uint8_t *bytes, size_t length, char *out);

/* The same for base64url, without padding. */
size_t base64url_encode(const uint8_t *bytes, size_t length, char *out);

#endif
