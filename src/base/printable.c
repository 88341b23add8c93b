/* SPDX-License-Identifier: Apache-2.0 */
/* Print text that came from outside, so that it cannot end a line, control a terminal or pass for
 * text of ours. */
#include "base/printable.h"

#include <stdint.h>
#include <string.h>

#include "base/utf8.h"

/* RFC 3629: what the first byte of a character of 1 to 4 bytes has of its number */
static const uint8_t first_bits[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
#define NOT_UTF8 0xfffd

void printable_put(FILE *out, const char *text)
{
	for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++) {
		if (*at == '\\')
			fputs("\\\\", out);
		else if (*at == '\n')
			fputs("\\n", out);
		else if (*at == '\t')
			fputs("\\t", out);
		else if (*at < 0x20 || *at > 0x7e)
			fprintf(out, "\\x%02x", *at);
		else
			putc(*at, out);
	}
}

void printable_put_word(FILE *out, const char *text)
{
	size_t length;

	if (text[0] != '\0' && strpbrk(text, " \"") == NULL) {
		printable_put(out, text);
		return;
	}
	putc('"', out);
	for (; *text != '\0'; text += length) {
		char part[64];

		if (*text == '"') {
			fputs("\\\"", out);
			length = 1;
			continue;
		}
		length = strcspn(text, "\"");
		if (length >= sizeof part)
			length = sizeof part - 1;
		memcpy(part, text, length);
		part[length] = '\0';
		printable_put(out, part);
	}
	putc('"', out);
}

/* The number of the character that begins here, and its bytes */
static uint32_t read_character(const uint8_t *text, size_t length, size_t *size)
{
	uint32_t number;

	if (utf8_character(text, length, size) != UTF8_WHOLE) {
		*size = 1;
		return NOT_UTF8;
	}
	number = text[0] & first_bits[*size];
	for (size_t i = 1; i < *size; i++)
		number = number << 6 | (text[i] & 0x3f);
	return number;
}

void printable_put_json(FILE *out, const char *json)
{
	const uint8_t *text = (const uint8_t *)json;
	size_t length = strlen(json), size;

	for (; length > 0; text += size, length -= size) {
		uint32_t number = read_character(text, length, &size);

		if ((number >= 0x20 && number < 0x7f) || number == '\n' || number == '\t')
			putc((int)number, out);
		else if (number < 0x20)
			putc(' ', out); /* strings have none; between them, it means the same */
		else if (number < 0x10000)
			fprintf(out, "\\u%04x", (unsigned int)number);
		else
			fprintf(out, "\\u%04x\\u%04x",
				(unsigned int)(0xd800 + ((number - 0x10000) >> 10)),
				(unsigned int)(0xdc00 + ((number - 0x10000) & 0x3ff)));
	}
}
