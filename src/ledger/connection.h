/* SPDX-License-Identifier: Apache-2.0 */
/* Which sshd connection a process works for. */
#ifndef EXC_LEDGER_CONNECTION_H
#define EXC_LEDGER_CONNECTION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* How many ancestors to check: a wrapper script and its shell may be in between. */
#define CONNECTION_ANCESTORS_MAX 8

/* The per-connection sshd process: it runs the agent, and PAM runs inside it. A pid alone may be
 * reused; with the start time it identifies one process. */
struct connection {
	pid_t pid;
	uint64_t start; /* clock ticks since the kernel started */
	bool is_sshd; /* false: no ancestor is sshd, or /proc hides them */
};

/* The connection that asked for this run of the agent: the nearest ancestor called sshd. If none is
 * found, the parent process with is_sshd false, and start 0 if that is hidden too. */
void connection_of_ancestors(struct connection *connection);

/* The connection that this process serves, for the PAM module. False when /proc cannot be read. */
bool connection_of_self(struct connection *connection);

#endif
