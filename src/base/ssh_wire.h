/* SPDX-License-Identifier: Apache-2.0 */
/* Read and write SSH's data types (RFC 4251 section 5) within bounds. */
#ifndef EXC_BASE_SSH_WIRE_H
#define EXC_BASE_SSH_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wire_reader {
	const uint8_t *bytes; /* borrowed */
	size_t left;
};

/* Take the next value. False when there is not enough left; then what is taken is undefined. */
bool wire_get_byte(struct wire_reader *reader, uint8_t *value);
bool wire_get_uint32(struct wire_reader *reader, uint32_t *value);
/* A `string`: points into the reader's bytes. */
bool wire_get_string(struct wire_reader *reader, struct wire_reader *value);

/* Is this string exactly these bytes? */
bool wire_equals(const struct wire_reader *value, const void *bytes, size_t length);

#define WIRE_BYTES_MAX 4096

/* Start with a length of zero. What does not fit sets `full`, and the rest is dropped. */
struct wire_writer {
	size_t length;
	bool full;
	uint8_t bytes[WIRE_BYTES_MAX];
};

/* Bare bytes, without their length */
void wire_put_bytes(struct wire_writer *writer, const void *bytes, size_t length);
void wire_put_byte(struct wire_writer *writer, uint8_t value);
void wire_put_uint32(struct wire_writer *writer, uint32_t value);
void wire_put_string(struct wire_writer *writer, const void *bytes, size_t length);

#endif
