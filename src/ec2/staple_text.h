/* SPDX-License-Identifier: Apache-2.0 */
/* A staple as EC2's service sends it: base64, with or without line breaks. */
#ifndef EXC_EC2_STAPLE_TEXT_H
#define EXC_EC2_STAPLE_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "ec2/signer.h"

/* Bytes of a staple in base64 with a line feed after every few characters */
#define STAPLE_TEXT_BYTES_MAX (2 * SIGNER_STAPLE_BYTES_MAX)

/* Decode `length` bytes of text, with line feeds anywhere. Returns the number of bytes, or -1 when
 * it is not base64 or too long. */
ssize_t staple_decode(const char *text, size_t length, uint8_t der[SIGNER_STAPLE_BYTES_MAX]);

#endif
