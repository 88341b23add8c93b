/* SPDX-License-Identifier: Apache-2.0 */
/* Split a command line into words, with the quotes that sshd and systemd understand. */
#include "base/command_line.h"

#include <stddef.h>
#include <string.h>

static bool is_space(char c)
{
	return c == ' ' || c == '\t';
}

/* Take one word from *line into `out`, of `size` bytes. Returns its length, -1 when it does not fit
 * or a quote is not closed. */
static int take_word(const char **line, char *out, size_t size)
{
	const char *at = *line;
	char quote = '\0';
	size_t length = 0;

	/* Bounded by `size` and the end of the line */
	for (; *at != '\0' && (quote != '\0' || !is_space(*at)); at++) {
		if (quote == '\0' && (*at == '"' || *at == '\'')) {
			quote = *at;
			continue;
		}
		if (quote != '\0' && *at == quote) {
			quote = '\0';
			continue;
		}
		if (*at == '\\' && quote != '\'' && at[1] != '\0' &&
		    strchr("\"'\\ ", at[1]) != NULL)
			at++;
		if (length + 1 >= size)
			return -1;
		out[length++] = *at;
	}
	if (quote != '\0' || size == 0)
		return -1;
	out[length] = '\0';
	*line = at;
	return (int)length;
}

bool words_split(struct words *words, const char *line)
{
	size_t used = 0;

	words->count = 0;
	for (;;) {
		int length;

		line += strspn(line, " \t");
		if (*line == '\0')
			break;
		if (words->count == WORDS_MAX)
			return false;
		length = take_word(&line, words->bytes + used, sizeof words->bytes - used);
		if (length < 0)
			return false;
		words->at[words->count++] = words->bytes + used;
		used += (size_t)length + 1;
	}
	words->at[words->count] = NULL;
	return true;
}
