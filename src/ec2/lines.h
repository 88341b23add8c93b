/* SPDX-License-Identifier: Apache-2.0 */
/* Join base64 that was broken into lines. */
#ifndef EXC_EC2_LINES_H
#define EXC_EC2_LINES_H

#include <stddef.h>
#include <sys/types.h>

/* Copy `length` bytes of text without their line feeds into `out`, without a NUL. Returns the
 * number of bytes, or -1 when they do not fit into `size`. */
ssize_t lines_join(const char *text, size_t length, char *out, size_t size);

#endif
