/* SPDX-License-Identifier: Apache-2.0 */
/* exc compute scp: copy a file or a tree over one connection. */
#include <string.h>

#include "cli/commands.h"
#include "cli/terminal/options.h"
#include "cli/ssh/ssh_run.h"
#include "cli/terminal/say.h"

struct copy {
	const char *source;
	const char *destination;
	bool download;
	bool recursive;
	char **rest;
};

/* A colon in a local name must not make it a host, nor a dash an option. */
static void add_local(struct ssh_command *command, const char *path)
{
	ssh_command_add(command, "%s%s", path[0] == '/' ? "" : "./", path);
}

static void finish_scp(struct ssh_command *command, const char *destination, const void *context)
{
	const struct copy *copy = context;

	if (copy->recursive)
		ssh_command_add(command, "-r");
	ssh_command_add_all(command, copy->rest);
	ssh_command_add(command, "--");
	if (copy->download) {
		ssh_command_add(command, "%s:%s", destination, copy->source);
		add_local(command, copy->destination);
	} else {
		add_local(command, copy->source);
		ssh_command_add(command, "%s:%s", destination, copy->destination);
	}
}

int scp_main(int argc, char **argv)
{
	struct target target = { 0 };
	struct copy copy = { 0 };
	const struct option list[] = {
		{ "src", "PATH", "what to copy", &copy.source, NULL },
		{ "dst", "PATH", "where to copy it", &copy.destination, NULL },
		{ "download", NULL, "copy from the VM; default: to the VM", NULL, &copy.download },
		{ "recursive", NULL, "copy a directory and everything in it", NULL,
		  &copy.recursive },
		TARGET_OPTIONS(target),
	};
	const struct options options = { .command = "compute scp",
					 .summary = "Copy files to or from a VM.",
					 .rest = "SCP-ARGUMENT...",
					 OPTIONS_LIST(list) };
	const struct remote_job job = { .program = "scp", .finish = finish_scp, .context = &copy };
	int status;

	if (!options_read(&options, argc, argv, &copy.rest, &status))
		return status;
	if (copy.source == NULL || copy.destination == NULL || copy.source[0] == '\0' ||
	    copy.destination[0] == '\0') {
		say("--src and --dst are needed: what to copy, and where to");
		return EXIT_EXC_FAILED;
	}
	return remote_run(&target, &job);
}
