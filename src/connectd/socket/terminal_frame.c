/* SPDX-License-Identifier: Apache-2.0 */
/* What is in the messages of a terminal: the subprotocol exc.terminal.v1, and text without one. */
#include "connectd/socket/terminal_frame.h"

#include <string.h>

static enum terminal_event read_resize(struct terminal_reader *reader, const uint8_t *piece,
				       size_t length, bool is_last, struct terminal_input *input)
{
	const uint8_t *bytes = reader->resize;

	if (length > sizeof reader->resize - reader->resize_length)
		return TERMINAL_WRONG;
	memcpy(reader->resize + reader->resize_length, piece, length);
	reader->resize_length += length;
	if (!is_last)
		return TERMINAL_NOTHING;
	if (reader->resize_length != sizeof reader->resize)
		return TERMINAL_WRONG;
	input->columns = (uint16_t)(bytes[0] << 8 | bytes[1]);
	input->rows = (uint16_t)(bytes[2] << 8 | bytes[3]);
	return TERMINAL_RESIZED;
}

enum terminal_event terminal_read(struct terminal_reader *reader, const uint8_t *piece,
				  size_t length, bool is_first, bool is_last,
				  struct terminal_input *input)
{
	if (is_first)
		memset(reader, 0, sizeof *reader);
	if (!reader->has_kind) {
		if (length == 0)
			return is_last ? TERMINAL_WRONG : TERMINAL_NOTHING;
		reader->kind = *piece++;
		reader->has_kind = true;
		length--;
	}
	switch (reader->kind) {
	case TERMINAL_DATA:
		input->data = piece;
		input->length = length;
		return TERMINAL_BYTES;
	case TERMINAL_RESIZE:
		return read_resize(reader, piece, length, is_last, input);
	default:
		return TERMINAL_WRONG;
	}
}

void terminal_write_exit(uint8_t bytes[TERMINAL_EXIT_BYTES], uint32_t status)
{
	bytes[0] = TERMINAL_EXIT;
	for (int i = 0; i < 4; i++)
		bytes[1 + i] = (uint8_t)(status >> (24 - 8 * i));
}

/* How many bytes follow the first of a character, and the least and greatest value of the second
 * (RFC 3629 section 4). -1: no character begins so. */
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

enum utf8_verdict utf8_check(const uint8_t *bytes, size_t length, size_t *whole)
{
	size_t i = 0;

	while (i < length) {
		uint8_t least, greatest;
		int count = following(bytes[i], &least, &greatest);

		*whole = i++;
		if (count < 0)
			return UTF8_NOT;
		for (; count > 0; count--, i++) {
			if (i == length)
				return UTF8_SPLIT;
			if (bytes[i] < least || bytes[i] > greatest)
				return UTF8_NOT;
			least = 0x80;
			greatest = 0xbf;
		}
	}
	*whole = length;
	return UTF8_WHOLE;
}
