/* SPDX-License-Identifier: Apache-2.0 */
/* Which sshd connection a process works for. */
#include "ledger/connection.h"

#include <string.h>
#include <unistd.h>

#include "base/process.h"

void connection_of_ancestors(struct connection *connection)
{
	pid_t parent = getppid();
	struct process process;

	memset(connection, 0, sizeof *connection);
	connection->pid = parent;
	for (int i = 0; i < CONNECTION_ANCESTORS_MAX && parent > 1; i++) {
		if (!process_read(parent, &process))
			return;
		if (i == 0)
			connection->start = process.start;
		/* "sshd" up to OpenSSH 9.7, "sshd-session" and "sshd-auth" later */
		if (strncmp(process.name, "sshd", 4) == 0) {
			connection->pid = process.pid;
			connection->start = process.start;
			connection->is_sshd = true;
			return;
		}
		parent = process.parent;
	}
}

bool connection_of_self(struct connection *connection)
{
	struct process process;

	memset(connection, 0, sizeof *connection);
	if (!process_read(getpid(), &process))
		return false;
	connection->pid = process.pid;
	connection->start = process.start;
	connection->is_sshd = true;
	return true;
}
