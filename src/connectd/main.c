/* SPDX-License-Identifier: Apache-2.0 */
/* exc-connectd: find the subcommand and run it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "connectd/commands.h"

static const struct subcommand {
	const char *name;
	int (*main)(int argc, char **argv, const struct connectd_config *config);
	const char *arguments;
	const char *summary;
} subcommands[] = {
	{ "serve", serve_main, "",
	  "serve the compute API and the metadata endpoint (the default)" },
	{ "init", init_main, "",
	  "make the database and the signing key; print the public key for trust.d" },
	{ "instance", instance_main,
	  "add VM_ID --address ADDRESS|NETWORK --host HOST [--port N] [--name NAME]\n"
	  "               [--org ORG] [--user USER]... [--host-key KEY]... [--console PATH]\n"
	  "           list [--json] | show VM_ID | remove VM_ID | rebuilt VM_ID\n"
	  "           import FILE",
	  "define the instances" },
	{ "org", org_main, "add NAME | list [--json] | remove NAME", "define the organisations" },
	{ "principal", principal_main, "add NAME [--org ORG] | list [--json] | remove NAME",
	  "define the principals: users, such as user:ana, and services" },
	{ "policy", policy_main,
	  "put NAME FILE [--org ORG] [--managed]\n"
	  "         list [--json] | show NAME | remove NAME\n"
	  "         attach NAME PRINCIPAL | detach NAME PRINCIPAL\n"
	  "         test --principal NAME --action ACTION --resource RESOURCE",
	  "define who may do what; a managed policy applies to everyone" },
	{ "token", token_main,
	  "add NAME [--instance VM_ID|'*']... [--expires 90d]\n"
	  "        list [--json] | revoke ID | remove NAME",
	  "give principals tokens, and revoke them" },
	{ "audit", audit_main,
	  "[show] [--json] [--limit N] [--before ID] [FILTER]...\n"
	  "        export [--json] [FILTER]...\n"
	  "        FILTER: --instance VM_ID | --org ORG | --principal NAME | --user USER\n"
	  "                --event EVENT | --since TIME | --until TIME\n"
	  "        verify [--head HASH]",
	  "show who asked for what, newest last; find changed rows" },
	{ "backup", backup_main, "FILE", "copy the database while it is in use" },
};

static void print_usage(void)
{
	printf("Usage: exc-connectd [--config FILE] [COMMAND [ARGUMENT...]]\n\n"
	       "The control plane of Instance Connect: it mints one-time SSH keys.\n\nCommands:\n");
	for (size_t i = 0; i < sizeof subcommands / sizeof subcommands[0]; i++)
		printf("  %s%s%s\n      %s\n", subcommands[i].name,
		       subcommands[i].arguments[0] == '\0' ? "" : " ", subcommands[i].arguments,
		       subcommands[i].summary);
	printf("\nOptions:\n"
	       "  --config FILE  read this instead of " CONNECTD_CONFIG_FILE "\n"
	       "  --help         show this text\n"
	       "  --version      show the version\n\nSee exc-connectd(8).\n");
}

static const struct subcommand *find_subcommand(const char *name)
{
	for (size_t i = 0; i < sizeof subcommands / sizeof subcommands[0]; i++)
		if (strcmp(subcommands[i].name, name) == 0)
			return &subcommands[i];
	return NULL;
}

int main(int argc, char **argv)
{
	const char *config_path = NULL;
	const struct subcommand *subcommand;
	char error[CONNECTD_ERROR_SIZE] = "";
	struct connectd_config config;
	int at = 1;

	umask(077);
	for (; at < argc && argv[at][0] == '-'; at++) {
		if (strcmp(argv[at], "--help") == 0 || strcmp(argv[at], "-h") == 0) {
			print_usage();
			return EXIT_SUCCESS;
		}
		if (strcmp(argv[at], "--version") == 0) {
			printf("exc-connectd %s\n", PACKAGE_VERSION);
			return EXIT_SUCCESS;
		}
		if (strcmp(argv[at], "--config") != 0 || at + 1 == argc)
			return usage_error("the options are --config FILE, --help and --version");
		config_path = argv[++at];
	}
	subcommand = find_subcommand(at < argc ? argv[at] : "serve");
	if (subcommand == NULL)
		return usage_error("unknown command");
	if (argc - at > 1 && strcmp(argv[argc - 1], "--help") == 0) {
		print_usage();
		return EXIT_SUCCESS;
	}
	if (!connectd_config_load(&config, config_path, error))
		return command_fail("%s", error);
	if (at < argc)
		at++;
	return subcommand->main(argc - at, argv + at, &config);
}
