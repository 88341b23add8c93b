/* SPDX-License-Identifier: Apache-2.0 */
/* Were files of sshd's edited after the sshd that runs loaded them? */
#ifndef EXC_SSHD_PENDING_H
#define EXC_SSHD_PENDING_H

#include <stdbool.h>
#include <stddef.h>

#include "agent/wiring/sshd_config.h"
#include "agent/wiring/sshd_running.h"

/* Files that an Include of sshd_config leads to, through as many others as sshd allows
 * (SERVCONF_MAX_DEPTH) */
#define SSHD_INCLUDE_DEPTH 16

/* Would a reload have the sshd that runs take over an edit of somebody, or other addresses? On
 * true, `why` says which. Where no process runs that a reload would reach, nothing is pending.
 *
 * sshd writes its PidFile when it starts and at each reload, so that file's time is that of the
 * last load; without one, only the start of the process is known. Times that are the same, or in
 * the future, prove nothing: then the sockets alone decide. */
bool sshd_pending(const struct sshd *sshd, const struct sshd_effective *effective,
		  const struct sshd_running *running, char *why, size_t size);

#endif
