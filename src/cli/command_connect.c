/* SPDX-License-Identifier: Apache-2.0 */
/* exc compute connect: a terminal on a VM. */
#include "cli/commands.h"
#include "cli/terminal/options.h"
#include "cli/ssh/ssh_run.h"

static void finish_connect(struct ssh_command *command, const char *destination,
			   const void *context)
{
	ssh_command_add(command, "%s", destination);
	/* ssh accepts options after the host as well, and a command after them. */
	ssh_command_add_all(command, context);
}

int connect_main(int argc, char **argv)
{
	struct target target = { 0 };
	const struct option list[] = { TARGET_OPTIONS(target) };
	const struct options options = { .command = "compute connect",
					 .summary = "Log in to a VM with a key for this one login.",
					 .rest = "SSH-ARGUMENT...",
					 OPTIONS_LIST(list) };
	struct remote_job job = { .program = "ssh", .finish = finish_connect };
	char **rest;
	int status;

	if (!options_read(&options, argc, argv, &rest, &status))
		return status;
	job.context = rest;
	return remote_run(&target, &job);
}
