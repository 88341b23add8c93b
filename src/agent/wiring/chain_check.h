/* SPDX-License-Identifier: Apache-2.0 */
/* May another AuthorizedKeysCommand become our next_command without anybody losing a way in? */
#ifndef EXC_CHAIN_H
#define EXC_CHAIN_H

#include <stdbool.h>
#include <stddef.h>

/* Accounts for which it is tried */
#define CHAIN_ACCOUNTS_MAX 4

/* So far sshd runs `command` as `user`; afterwards it would run as the agent's user, within
 * timeout_ms. Run it both ways, for root and a few accounts that people have, and compare. False,
 * with `why`, when it does not do the same, takes too long, or could not be run at all; or when
 * SELinux would forbid the agent to run it. As root. */
bool chain_is_safe(const char *command, const char *user, unsigned int timeout_ms, char *why,
		   size_t size);

#endif
