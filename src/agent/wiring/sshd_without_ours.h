/* SPDX-License-Identifier: Apache-2.0 */
/* What sshd's configuration would be without our files: what an administrator asked for. */
#ifndef EXC_AGENT_WIRING_SSHD_WITHOUT_OURS_H
#define EXC_AGENT_WIRING_SSHD_WITHOUT_OURS_H

#include <stdbool.h>
#include <stddef.h>

#include "agent/wiring/sshd_config.h"

#define SSHD_COPY_PATH_SIZE 64

/* The machine's sshd, to be asked with a temporary copy of its configuration that leaves our
 * drop-ins out. Not to be copied: it points into itself. */
struct sshd_without_ours {
	struct sshd sshd;
	char directory[SSHD_COPY_PATH_SIZE]; /* of the copy; "": nothing of ours had to be left out
					      */
	char config[SSHD_COPY_PATH_SIZE];
};

/* Make it. False, with `why`, if that fails. In either case the caller forgets it, which removes
 * the copy. */
bool sshd_without_ours_make(struct sshd_without_ours *without, char *why, size_t size);
void sshd_without_ours_forget(struct sshd_without_ours *without);

/* A command of the administrator's, and the user that it is to run as; "none": there is none. */
struct sshd_hidden_command {
	bool is_hidden; /* sshd does something else because of our files */
	char command[SSHD_VALUE_SIZE], user[SSHD_VALUE_SIZE];
	char instead[SSHD_VALUE_SIZE]; /* the command that sshd has */
};

struct sshd_hidden {
	/* An AuthorizedKeysCommand that neither sshd nor the agent runs */
	struct sshd_hidden_command keys;
	/* The AuthorizedPrincipalsCommand, where sshd has another one or none: it came, changed or
	 * went after `enable` */
	struct sshd_hidden_command principals;
	/* The agent still runs a chained command that nobody's files have any more. */
	bool has_stale_chain;
};

/* Compare `effective` with what sshd would do without our files. `next_command` is what the agent
 * runs ("": nothing). False, with `why` and nothing hidden, if sshd cannot be asked. */
bool sshd_find_hidden(const struct sshd_effective *effective, const char *next_command,
		      struct sshd_hidden *hidden, char *why, size_t size);

#endif
