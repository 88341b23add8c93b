/* SPDX-License-Identifier: Apache-2.0 */
/* The machine's sshd as it is before `sshd enable` or `disable` changes anything. */
#ifndef EXC_AGENT_WIRING_SSHD_BEFORE_H
#define EXC_AGENT_WIRING_SSHD_BEFORE_H

#include <stdbool.h>
#include <stddef.h>

#include "agent/wiring/sshd_compare.h"
#include "agent/wiring/sshd_config.h"
#include "agent/wiring/sshd_running.h"
#include "agent/wiring/sshd_service.h"
#include "agent/wiring/sshd_without_ours.h"
#include "agent/wiring/wiring.h"
#include "base/file.h"

/* Bytes for a reason */
#define SSHD_WHY_SIZE 512

struct sshd_before {
	struct sshd sshd;
	struct sshd_effective effective;
	struct wiring_state wiring;
	bool asks_agent; /* sshd does */
	/* The AuthorizedKeysCommand, and what else there is, without our files */
	struct sshd_without_ours without;
	struct sshd_views views;
	char command[SSHD_VALUE_SIZE], command_user[SSHD_VALUE_SIZE];
	char principals_command[SSHD_VALUE_SIZE], principals_user[SSHD_VALUE_SIZE];
	enum sshd_origin origin; /* of the command */
	struct sshd_running running;
	bool answers; /* sshd does, on this machine */
	bool pending; /* an edit that a reload would load */
	char edit[SSHD_WHY_SIZE]; /* the edit, in words */
	struct file_backup backup;
};

/* Print what failed and, unless it is empty, why, on standard error. Returns EXIT_FAILURE. */
int sshd_command_fail(const char *what, const char *why);

/* Inspect the machine. False, after reporting why, if nothing may be changed: something is already
 * broken, or this is not root. On true, the caller forgets it. */
bool sshd_before_look(struct sshd_before *before);

/* Ask for the configuration as it is without our files. False, with `why`. */
bool sshd_before_look_without_ours(struct sshd_before *before, char *why, size_t size);

void sshd_before_forget(struct sshd_before *before);

#endif
