/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of a terminal's WebSocket: exc.terminal.v1 says the same however a message is cut into
 * pieces, and of text no byte is lost and no character is split.
 *
 * The input is a byte for the size of the pieces and one message. */
#include "fuzz.h"

#include <stdbool.h>

#include "base/utf8.h"
#include "connectd/socket/terminal_frame.h"
#include "base/cleanup.h"

struct outcome {
	enum terminal_event event; /* the last that was more than nothing */
	uint8_t *data; /* all that is for the shell */
	size_t length;
	uint16_t columns, rows;
};

/* Read a message in pieces of this size, each in memory of just its size. */
static void read_message(const uint8_t *bytes, size_t length, size_t size, struct outcome *outcome)
{
	struct terminal_reader reader;
	size_t at = 0;

	memset(&reader, 0xa5, sizeof reader); /* as the message before has left it */
	*outcome = (struct outcome){ .event = TERMINAL_NOTHING, .data = malloc(length + 1) };
	must(outcome->data != NULL);
	do {
		size_t now = length - at < size ? length - at : size;
		_cleanup_free_ char *piece = fuzz_text(bytes + at, now);
		struct terminal_input input = { 0 };
		enum terminal_event event;

		event = terminal_read(&reader, (const uint8_t *)piece, now, at == 0,
				      at + now == length, &input);
		if (event != TERMINAL_NOTHING)
			outcome->event = event;
		if (event == TERMINAL_BYTES) {
			must(input.length <= now);
			memcpy(outcome->data + outcome->length, input.data, input.length);
			outcome->length += input.length;
		}
		outcome->columns = input.columns;
		outcome->rows = input.rows;
		at += now;
	} while (at < length && outcome->event != TERMINAL_WRONG);
}

static void check_framed(const uint8_t *bytes, size_t length, size_t size)
{
	struct outcome whole, pieces;

	read_message(bytes, length, length == 0 ? 1 : length, &whole);
	read_message(bytes, length, size, &pieces);
	must(whole.event == pieces.event && whole.columns == pieces.columns &&
	     whole.rows == pieces.rows && whole.length == pieces.length &&
	     memcmp(whole.data, pieces.data, whole.length) == 0);
	if (length > 0 && bytes[0] == TERMINAL_DATA)
		must(whole.event == TERMINAL_BYTES && whole.length == length - 1 &&
		     memcmp(whole.data, bytes + 1, whole.length) == 0);
	else
		must(whole.event ==
		     (length == 1 + TERMINAL_RESIZE_BYTES && bytes[0] == TERMINAL_RESIZE
			      ? TERMINAL_RESIZED
			      : TERMINAL_WRONG));
	free(whole.data);
	free(pieces.data);
}

/* What is complete of it is UTF-8 by itself, and what is left begins one character. */
static void check_text(const uint8_t *bytes, size_t length)
{
	_cleanup_free_ char *copy = fuzz_text(bytes, length);
	const uint8_t *text = (const uint8_t *)copy;
	size_t whole = 0, again = 0;
	enum utf8_verdict verdict = utf8_check(text, length, &whole);

	must(whole <= length);
	must(utf8_check(text, whole, &again) == UTF8_WHOLE && again == whole);
	if (verdict == UTF8_WHOLE)
		must(whole == length);
	if (verdict == UTF8_SPLIT)
		must(length - whole >= 1 && length - whole <= 3);
	if (verdict == UTF8_NOT)
		must(whole < length);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	if (length == 0)
		return 0;
	check_framed(bytes + 1, length - 1, (size_t)bytes[0] + 1);
	check_text(bytes + 1, length - 1);
	return 0;
}
