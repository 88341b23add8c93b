/* SPDX-License-Identifier: Apache-2.0 */
/* Print the authorized_keys line of a grant (sshd(8), AUTHORIZED_KEYS FILE FORMAT). */
#include "grant/authorized_line.h"

#include <stdbool.h>
#include <string.h>

/* Append; AUTHORIZED_LINE_SIZE has room for the longest of everything. */
static void put(char **at, const char *text)
{
	size_t length = strlen(text);

	memcpy(*at, text, length + 1);
	*at += length;
}

/* Options are separated by commas. */
static void put_option(char **at, const char *line, const char *option)
{
	if (*at != line)
		put(at, ",");
	put(at, option);
}

static void put_sources(char **at, const struct restrictions *restrictions)
{
	for (size_t i = 0; i < restrictions->source_count; i++) {
		if (i > 0)
			put(at, ",");
		put(at, restrictions->sources[i]);
	}
}

static void put_command(char **at, const char *command)
{
	for (; *command != '\0'; command++) {
		if (*command == '"')
			*(*at)++ = '\\';
		*(*at)++ = *command;
	}
}

/* What sshd may let a key do is a list that grows with its versions: as soon as one thing is
 * forbidden, everything is that is not named here, ~/.ssh/rc among it (sshd(8), `restrict`). */
static void put_permissions(char **at, const char *line, const struct restrictions *restrictions)
{
	if (!restrictions->no_pty && !restrictions->no_port_forwarding &&
	    !restrictions->no_agent_forwarding && !restrictions->no_x11_forwarding)
		return;
	put_option(at, line, "restrict");
	if (!restrictions->no_pty)
		put_option(at, line, "pty");
	if (!restrictions->no_port_forwarding)
		put_option(at, line, "port-forwarding");
	if (!restrictions->no_agent_forwarding)
		put_option(at, line, "agent-forwarding");
	if (!restrictions->no_x11_forwarding)
		put_option(at, line, "X11-forwarding");
}

size_t authorized_line_print(const struct ssh_key *key, const struct restrictions *restrictions,
			     char line[AUTHORIZED_LINE_SIZE])
{
	char *at = line;

	if (restrictions->source_count > 0) {
		put_option(&at, line, "from=\"");
		put_sources(&at, restrictions);
		put(&at, "\"");
	}
	if (restrictions->has_command) {
		put_option(&at, line, "command=\"");
		put_command(&at, restrictions->command);
		put(&at, "\"");
	}
	put_permissions(&at, line, restrictions);
	if (at != line)
		put(&at, " ");
	ssh_key_print(key, at);
	at += strlen(at);
	put(&at, "\n");
	return (size_t)(at - line);
}
