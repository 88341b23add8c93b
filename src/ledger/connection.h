/* SPDX-License-Identifier: Apache-2.0 */
/* Which sshd connection asks this run of the agent. */
#ifndef EXC_LEDGER_CONNECTION_H
#define EXC_LEDGER_CONNECTION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "ledger/ledger.h"

/* How many ancestors to check: a wrapper script and its shell may be in between. */
#define CONNECTION_ANCESTORS_MAX 8

/* Find the sshd process that asks: our parent, or the one behind wrappers (a shell, runuser, a
 * chained command). Call it before the sandbox is set up. Returns NULL if it was found, otherwise
 * why it was not, a constant; then nothing may be offered.
 *
 * A process counts as sshd if /proc shows it as root's sshd or sshd-session. One that /proc hides
 * counts if it holds the module's lock (module_lock.h), or leads our session, as sshd does, and
 * that has no terminal. The search ends at the process that leads our session, as sshd calls
 * setsid(2) for each connection, and goes up only through processes of root and of this user: any
 * other could have been started by a person, in a session of somebody else's. */
const char *connection_find(const struct ledger *ledger, struct connection *connection);

/* Is a process with this name (/proc/PID/comm) one that serves a connection? */
bool connection_is_sshd(const char *name);

#endif
