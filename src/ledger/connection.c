/* SPDX-License-Identifier: Apache-2.0 */
/* Which sshd connection asks this run of the agent. */
#include "ledger/connection.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/process.h"
#include "ledger/module_lock.h"

/* A /proc of another PID namespace shows other processes under these pids. */
static bool proc_is_ours(void)
{
	char target[16];
	ssize_t length = readlink("/proc/self", target, sizeof target - 1);

	if (length <= 0)
		return false;
	target[length] = '\0';
	return atoi(target) == getpid();
}

/* sshd's children have no terminal; who runs the agent by hand mostly has one. */
static bool has_terminal(void)
{
	_cleanup_close_ int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);

	return fd >= 0;
}

/* "sshd" up to OpenSSH 9.7, later "sshd-session". "sshd-auth" neither asks nor opens sessions. */
bool connection_is_sshd(const char *name)
{
	return strcmp(name, "sshd") == 0 || strcmp(name, "sshd-session") == 0;
}

const char *connection_find(const struct ledger *ledger, struct connection *connection)
{
	pid_t pid = getppid();

	memset(connection, 0, sizeof *connection);
	if (!proc_is_ours())
		return "there is no /proc of this PID namespace";
	for (int i = 0; i < CONNECTION_ANCESTORS_MAX && pid > 1; i++) {
		struct process process;
		uid_t uid;

		connection->pid = pid;
		if (!process_read(pid, &process) || !process_real_uid(pid, &uid)) {
			connection->start = 0;
			if (module_lock_is_held(ledger, pid) ||
			    (getsid(0) == pid && !has_terminal()))
				return NULL;
			return "the process that asks is hidden (hidepid), and is not known to be sshd";
		}
		connection->start = process.start;
		/* While it reads our answer, its effective user is ours: the real one counts. */
		if (uid == 0 && connection_is_sshd(process.name))
			/* A person may debug sshd in a terminal: then it asks directly. */
			return i > 0 && has_terminal() ? "a terminal asks" : NULL;
		if (uid != 0 && uid != getuid())
			return "a process of another user asks, not sshd";
		/* sshd calls setsid(2) for each connection. Above this process may be the sshd that
		 * listens: it is one and the same for all connections. */
		if (pid == getsid(0))
			return "the process that leads this session is not sshd";
		pid = process.parent;
	}
	return "no sshd process asks";
}
