/* SPDX-License-Identifier: Apache-2.0 */
/* exc: find the command and run it. */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "cli/commands.h"
#include "cli/terminal/say.h"

/* "compute" or nothing, and the command */
static const struct command {
	const char *group;
	const char *name;
	int (*main)(int argc, char **argv);
	const char *summary;
} commands[] = {
	{ "compute", "connect", connect_main, "log in to a VM" },
	{ "compute", "exec", exec_main, "run one command on a VM" },
	{ "compute", "scp", scp_main, "copy files to or from a VM" },
	{ "compute", "console", console_main, "open a VM's serial console" },
	{ "compute", "tunnel", tunnel_main, "connect ssh to a VM, as its ProxyCommand" },
	{ "compute", "connect-log", log_main, "show who asked for keys to a VM" },
	{ "", "login", login_main, "check a token and save it in ~/.exc/config" },
	{ "", "me", me_main, "show who you are to the control plane" },
	{ "", "ssh-config", ssh_config_main,
	  "print ssh_config lines for plain ssh to reach exc-42" },
};

#define COMMANDS (sizeof commands / sizeof commands[0])

/* Everything, or one group: NULL is all of them. */
static void print_usage(const char *group)
{
	printf("Usage: exc %sCOMMAND [OPTION...]\n\n"
	       "Log in to VMs with SSH keys that live for a minute and open one session.\n\n"
	       "Commands:\n",
	       group == NULL ? "" : "compute ");
	for (size_t i = 0; i < COMMANDS; i++) {
		char name[40];

		if (group != NULL && strcmp(commands[i].group, group) != 0)
			continue;
		snprintf(name, sizeof name, "%s%s%s", commands[i].group,
			 commands[i].group[0] == '\0' ? "" : " ", commands[i].name);
		printf("  %-22s%s\n", name, commands[i].summary);
	}
	printf("\nOptions:\n"
	       "  -h, --help            show this text, or a command's own\n"
	       "  --version             show the version\n\nSee exc(1).\n");
}

static bool is_help(const char *argument)
{
	return strcmp(argument, "-h") == 0 || strcmp(argument, "--help") == 0;
}

/* A group without a command, or "-h" in place of one */
static int without_command(int argc, char **argv, const char *group)
{
	if (argc == 0) {
		say("a command is missing; try exc %s%s--help", group == NULL ? "" : group,
		    group == NULL ? "" : " ");
		return EXIT_EXC_FAILED;
	}
	if (is_help(argv[0])) {
		print_usage(group);
		return EXIT_SUCCESS;
	}
	say("unknown command %s%s%s; try exc --help", group == NULL ? "" : group,
	    group == NULL ? "" : " ", argv[0]);
	return EXIT_EXC_FAILED;
}

static int run(int argc, char **argv)
{
	const char *group = "";

	if (argc > 0 && strcmp(argv[0], "--version") == 0) {
		printf("exc %s\n", PACKAGE_VERSION);
		return EXIT_SUCCESS;
	}
	if (argc > 0 && strcmp(argv[0], "compute") == 0) {
		group = "compute";
		argc--, argv++;
	}
	for (size_t i = 0; argc > 0 && i < COMMANDS; i++)
		if (strcmp(commands[i].group, group) == 0 && strcmp(commands[i].name, argv[0]) == 0)
			return commands[i].main(argc - 1, argv + 1);
	return without_command(argc, argv, group[0] == '\0' ? NULL : group);
}

int main(int argc, char **argv)
{
	const struct rlimit none = { 0, 0 };

	/* A core file would contain keys and tokens. */
	setrlimit(RLIMIT_CORE, &none);
	/* A peer that hangs up is an error value, not a signal. */
	signal(SIGPIPE, SIG_IGN);
	/* The parent may ignore it, and then ssh's exit status would be lost. */
	signal(SIGCHLD, SIG_DFL);
	return run(argc - 1, argv + 1);
}
