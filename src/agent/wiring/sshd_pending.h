/* SPDX-License-Identifier: Apache-2.0 */
/* Were sshd's files edited after the running sshd loaded them? */
#ifndef EXC_AGENT_WIRING_SSHD_PENDING_H
#define EXC_AGENT_WIRING_SSHD_PENDING_H

#include <stdbool.h>
#include <stddef.h>

#include "agent/wiring/sshd_config.h"
#include "agent/wiring/sshd_running.h"

/* Files that an Include of sshd_config leads to, through as many others as sshd allows
 * (SERVCONF_MAX_DEPTH) */
#define SSHD_INCLUDE_DEPTH 16

/* Would a reload make the running sshd load someone's edit, or other addresses? On true, `why` says
 * which. If no running process would be reloaded, nothing is pending.
 *
 * sshd writes its PidFile when it starts and at each reload, so that file's time is that of the
 * last load; without one, only the start of the process is known. Times that are the same, or in
 * the future, prove nothing: then the sockets alone decide. */
bool sshd_pending(const struct sshd *sshd, const struct sshd_effective *effective,
		  const struct sshd_running *running, char *why, size_t size);

#endif
