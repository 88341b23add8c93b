/* SPDX-License-Identifier: Apache-2.0 */
/* The content of a terminal's messages: the subprotocol exc.terminal.v1, and text without one. */
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
