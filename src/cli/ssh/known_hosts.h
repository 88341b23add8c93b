/* SPDX-License-Identifier: Apache-2.0 */
/* Write known_hosts lines (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT) for the VMs we connect to. */
#ifndef EXC_CLI_SSH_KNOWN_HOSTS_H
#define EXC_CLI_SSH_KNOWN_HOSTS_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/api/session.h"

/* The most that a file may have, in bytes: more than a thousand VMs */
#define KNOWN_HOSTS_BYTES_MAX (512 * 1024)

/* The lines for a session's VM: its alias, at any port, and each of its keys. The caller frees.
 * NULL without host keys, or without memory. */
char *known_hosts_lines(const struct session *session);

/* Put these lines into the text of a known_hosts file in place of those for the same alias, before
 * the others. The oldest go when there are more than KNOWN_HOSTS_BYTES_MAX. The caller frees; NULL
 * without memory. */
char *known_hosts_merge(const char *old, const char *alias, const char *lines);

/* Do that to the file at `path`, in a directory that nobody else can write, atomically. Concurrent
 * calls wait for one another. False with errno. */
bool known_hosts_update(const char *path, const char *alias, const char *lines);

#endif
