/* SPDX-License-Identifier: Apache-2.0 */
/* Run ssh or scp with a one-time key: what connect, exec and scp have in common. */
#ifndef EXC_CLI_SSH_SSH_RUN_H
#define EXC_CLI_SSH_SSH_RUN_H

#include <stdbool.h>

#include "cli/api/credentials.h"
#include "cli/ssh/ssh_command.h"

/* The command line's options about the VM. */
struct target {
	struct account_options account;
	const char *vm_id;
	const char *user; /* NULL: the first that the VM allows */
	const char *via; /* "direct", "tunnel" or NULL */
	bool dry_run;
};

/* Lines for a command's table of options */
#define TARGET_OPTIONS(target)                                                                     \
	{ "vm-id", "ID", "the VM", &(target).vm_id, NULL },                                        \
		{ "user", "NAME", "log in as this user; default: the VM's first", &(target).user,  \
		  NULL },                                                                          \
		{ "via", "direct|tunnel",                                                          \
		  "connect to the VM directly, or through the control plane", &(target).via,       \
		  NULL },                                                                          \
		{ "dry-run", NULL, "print the command that would run, and request no key", NULL,   \
		  &(target).dry_run },                                                             \
		ACCOUNT_OPTIONS((target).account)

struct remote_job {
	const char *program; /* "ssh" or "scp" */
	const char *command; /* what the key may run; NULL: anything */
	/* Add the words that come after the settings; `destination` is "user@exc-42". */
	void (*finish)(struct ssh_command *command, const char *destination, const void *context);
	const void *context;
};

/* Mint a key, run the program with it, and wipe the key. Returns the exit status; failures have
 * been printed. With dry_run, print the command line instead. */
int remote_run(const struct target *target, const struct remote_job *job);

#endif
