/* SPDX-License-Identifier: Apache-2.0 */
/* Read and write SSH's data types (RFC 4251 section 5) within bounds. */
#include "base/ssh_wire.h"

#include <string.h>

bool wire_get_byte(struct wire_reader *reader, uint8_t *value)
{
	if (reader->left < 1)
		return false;
	*value = *reader->bytes++;
	reader->left--;
	return true;
}

bool wire_get_uint32(struct wire_reader *reader, uint32_t *value)
{
	const uint8_t *at = reader->bytes;

	if (reader->left < 4)
		return false;
	*value = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
	reader->bytes += 4;
	reader->left -= 4;
	return true;
}

bool wire_get_string(struct wire_reader *reader, struct wire_reader *value)
{
	uint32_t length;

	if (!wire_get_uint32(reader, &length) || length > reader->left)
		return false;
	value->bytes = reader->bytes;
	value->left = length;
	reader->bytes += length;
	reader->left -= length;
	return true;
}

bool wire_equals(const struct wire_reader *value, const void *bytes, size_t length)
{
	return value->left == length && memcmp(value->bytes, bytes, length) == 0;
}

void wire_put_bytes(struct wire_writer *writer, const void *bytes, size_t length)
{
	if (writer->full || length > sizeof writer->bytes - writer->length) {
		writer->full = true;
		return;
	}
	memcpy(writer->bytes + writer->length, bytes, length);
	writer->length += length;
}

void wire_put_byte(struct wire_writer *writer, uint8_t value)
{
	wire_put_bytes(writer, &value, 1);
}

void wire_put_uint32(struct wire_writer *writer, uint32_t value)
{
	const uint8_t bytes[4] = { (uint8_t)(value >> 24), (uint8_t)(value >> 16),
				   (uint8_t)(value >> 8), (uint8_t)value };

	wire_put_bytes(writer, bytes, sizeof bytes);
}

void wire_put_string(struct wire_writer *writer, const void *bytes, size_t length)
{
	wire_put_uint32(writer, (uint32_t)length);
	wire_put_bytes(writer, bytes, length);
}
