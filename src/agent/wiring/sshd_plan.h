/* SPDX-License-Identifier: Apache-2.0 */
/* Decide what `sshd enable` writes. */
#ifndef EXC_AGENT_WIRING_SSHD_PLAN_H
#define EXC_AGENT_WIRING_SSHD_PLAN_H

#include <stdbool.h>

#include "agent/wiring/sshd_before.h"
#include "agent/wiring/wiring.h"

/* The options of `sshd enable`. */
struct sshd_enable {
	bool chain;
	bool drop_root; /* also a command that has run as root */
	const char *provider; /* or NULL */
};

/* Decide, for the machine as it is. The plan borrows from `before` and `options`. False, after
 * reporting why nothing will be written. */
bool sshd_plan_make(struct sshd_before *before, const struct sshd_enable *options,
		    struct wiring_plan *plan);

/* Does sshd have another AuthorizedKeysCommand that ours would have to replace? One that sshd does
 * not run already, as it asks the agent, may stay as it is. */
bool sshd_plan_has_other_command(const struct sshd_before *before, bool chain);

#endif
