/* SPDX-License-Identifier: Apache-2.0 */
/* What systemd starts a service with, according to its unit's files (systemd.service(5)). */
#ifndef EXC_AGENT_WIRING_SYSTEMD_UNIT_H
#define EXC_AGENT_WIRING_SYSTEMD_UNIT_H

#include <stdbool.h>

#include "base/command_line.h"

#define UNIT_COMMAND_SIZE 4096
/* Bytes of all files of a unit, and EnvironmentFile= entries that it may have */
#define UNIT_TEXT_SIZE (64 * 1024)
#define UNIT_ENVIRONMENT_FILES_MAX 8

struct unit_command {
	char text[UNIT_COMMAND_SIZE]; /* the ExecStart= in effect, as it is written */
	struct words
		words; /* the same as systemd would run it: program first, variables filled in */
};

/* Read what starts `unit` ("ssh.service", or a template such as "ssh@.service"), with all drop-ins
 * but the one at the path `except` (NULL: all), whether systemd runs or an image is being built.
 * False if there is no such unit, or it cannot be understood. */
bool unit_read(const char *unit, const char *except, struct unit_command *command);

/* Call `visit` with the path of each of `unit`'s files: its own, its drop-ins, and those of
 * EnvironmentFile=. */
void unit_each_file(const char *unit, void (*visit)(const char *path, void *context),
		    void *context);

/* Find the ExecStart= in the text of a unit's files in the order in which systemd reads them, and
 * fill in its variables: $NAME and ${NAME} from Environment= and EnvironmentFile=. Specifiers but
 * %% stay as they are. `text` is changed. */
bool unit_parse(char *text, struct unit_command *command);

#endif
