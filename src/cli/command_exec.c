/* SPDX-License-Identifier: Apache-2.0 */
/* exc compute exec: one command on a VM, and its status. */
#include <string.h>

#include "cli/commands.h"
#include "cli/terminal/options.h"
#include "cli/ssh/ssh_run.h"
#include "cli/terminal/say.h"
#include "grant/restrict.h"

static void finish_exec(struct ssh_command *command, const char *destination, const void *context)
{
	/* No terminal: output and errors stay separate, and bytes unchanged. */
	ssh_command_add(command, "-T");
	ssh_command_add(command, "%s", destination);
	ssh_command_add(command, "--");
	ssh_command_add(command, "%s", (const char *)context);
}

/* What a grant can be restricted to: see restrict_parse(). */
static bool command_is_valid(const char *command)
{
	size_t length = command == NULL ? 0 : strlen(command);

	if (length == 0)
		say("--command is missing: name the command to run");
	else if (length >= RESTRICT_COMMAND_SIZE || strpbrk(command, "\r\n") != NULL ||
		 command[length - 1] == '\\')
		say("--command must be one line of up to %d bytes that does not end in a "
		    "backslash; for more: --command sh <SCRIPT",
		    RESTRICT_COMMAND_SIZE - 1);
	else
		return true;
	return false;
}

int exec_main(int argc, char **argv)
{
	struct target target = { 0 };
	const char *command = NULL;
	const struct option list[] = {
		{ "command", "LINE", "what to run; the key is good for nothing else", &command,
		  NULL },
		TARGET_OPTIONS(target),
	};
	const struct options options = {
		.command = "compute exec",
		.summary = "Run one command on a VM; its input, output, errors and status are "
			   "this program's.",
		OPTIONS_LIST(list),
	};
	struct remote_job job = { .program = "ssh", .finish = finish_exec };
	char **rest;
	int status;

	if (!options_read(&options, argc, argv, &rest, &status))
		return status;
	if (!command_is_valid(command))
		return EXIT_EXC_FAILED;
	job.command = command;
	job.context = command;
	return remote_run(&target, &job);
}
