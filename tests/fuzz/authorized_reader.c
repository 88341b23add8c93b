/* SPDX-License-Identifier: Apache-2.0 */
/* Read a line of authorized_keys as sshd does. */
#include "authorized_reader.h"

#include <string.h>
#include <strings.h>

/* The place after the options: the first blank outside of quotes. NULL: a quote stays open. */
static const char *options_end(const char *at)
{
	bool quoted = false;

	for (; *at != '\0' && (quoted || (*at != ' ' && *at != '\t')); at++)
		if (at[0] == '\\' && at[1] == '"')
			at++;
		else if (*at == '"')
			quoted = !quoted;
	return quoted ? NULL : at;
}

/* Take a quoted value; false when its end is missing. */
static bool take_quoted(const char **at, char *out)
{
	if (*(*at)++ != '"')
		return false;
	while (**at != '\0' && **at != '"') {
		if ((*at)[0] == '\\' && (*at)[1] == '"')
			++*at;
		*out++ = *(*at)++;
	}
	*out = '\0';
	return *(*at)++ == '"';
}

static bool take_word(const char **at, const char *word)
{
	size_t length = strlen(word);

	if (strncasecmp(*at, word, length) != 0)
		return false;
	*at += length;
	return true;
}

/* Each may be there once: sshd takes the first from= or command=, and refuses the second. */
static bool take_flag(const char **at, const char *name, bool *flag)
{
	if (*flag || !take_word(at, name))
		return false;
	*flag = true;
	return true;
}

static bool take_option(const char **at, struct authorized_line *line)
{
	if (take_flag(at, "from=", &line->has_from))
		return take_quoted(at, line->from);
	if (take_flag(at, "command=", &line->has_command))
		return take_quoted(at, line->command);
	if (take_flag(at, "restrict", &line->is_restricted))
		return true;
	/* Without restrict in front they would change nothing. */
	return line->is_restricted && (take_flag(at, "pty", &line->pty) ||
				       take_flag(at, "port-forwarding", &line->port_forwarding) ||
				       take_flag(at, "agent-forwarding", &line->agent_forwarding) ||
				       take_flag(at, "X11-forwarding", &line->x11_forwarding));
}

static bool take_options(const char *at, const char *end, struct authorized_line *line)
{
	do {
		if (!take_option(&at, line))
			return false;
	} while (*at == ',' && *++at != '\0');
	return at == end;
}

bool authorized_read(const char *text, struct authorized_line *line)
{
	size_t length = strcspn(text, "\r\n");
	struct ssh_key key;
	const char *end;

	memset(line, 0, sizeof *line);
	/* One line, that ends here */
	if (strcmp(text + length, "\n") != 0 || length >= AUTHORIZED_LINE_SIZE)
		return false;
	/* A line that begins with a key has no options. */
	for (int i = 0; i < 2; i++) {
		end = i == 0 ? text : options_end(text);
		if (end == NULL)
			return false;
		if (i == 1 && (!take_options(text, end, line) || *end++ != ' '))
			return false;
		length = strcspn(end, "\n");
		if (length >= sizeof line->key)
			continue;
		memcpy(line->key, end, length);
		line->key[length] = '\0';
		if (ssh_key_parse(line->key, &key) == SSH_KEY_OK)
			return true;
	}
	return false;
}
