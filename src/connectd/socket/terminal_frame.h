/* SPDX-License-Identifier: Apache-2.0 */
/* The content of a terminal's messages: the subprotocol exc.terminal.v1, and text without one. */
#ifndef EXC_CONNECTD_SOCKET_TERMINAL_FRAME_H
#define EXC_CONNECTD_SOCKET_TERMINAL_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The first byte of each message of exc.terminal.v1 */
#define TERMINAL_DATA 0 /* the terminal's bytes, both ways */
#define TERMINAL_RESIZE 1 /* columns and rows, 16 bits each, big endian; from the client */
#define TERMINAL_EXIT                                                                              \
	2 /* ssh's exit status, 32 bits, big endian; from the server, before the close */

#define TERMINAL_RESIZE_BYTES 4
#define TERMINAL_EXIT_BYTES 5 /* with the kind */

/* One message in progress. Zero it to begin. */
struct terminal_reader {
	uint8_t kind;
	bool has_kind;
	uint8_t resize[TERMINAL_RESIZE_BYTES];
	size_t resize_length;
};

enum terminal_event {
	TERMINAL_NOTHING, /* the piece was read, and there is nothing to do */
	TERMINAL_BYTES, /* `data` and `length` are for the shell */
	TERMINAL_RESIZED, /* `columns` and `rows` are new */
	TERMINAL_WRONG /* not a message of this subprotocol */
};

struct terminal_input {
	const uint8_t *data; /* points into the piece */
	size_t length;
	uint16_t columns, rows;
};

/* Read one piece of a message; the first and the last of a message are marked. */
enum terminal_event terminal_read(struct terminal_reader *reader, const uint8_t *piece,
				  size_t length, bool is_first, bool is_last,
				  struct terminal_input *input);

/* Write TERMINAL_EXIT_BYTES. */
void terminal_write_exit(uint8_t bytes[TERMINAL_EXIT_BYTES], uint32_t status);

#endif
