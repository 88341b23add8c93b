/* SPDX-License-Identifier: Apache-2.0 */
/* May another AuthorizedKeysCommand become our next_command without locking anybody out? */
#ifndef EXC_AGENT_WIRING_CHAIN_CHECK_H
#define EXC_AGENT_WIRING_CHAIN_CHECK_H

#include <stdbool.h>
#include <stddef.h>

/* Accounts for which it is tested */
#define CHAIN_ACCOUNTS_MAX 4
/* Seconds that each test may take */
#define CHAIN_SECONDS_MAX 10

/* Now sshd runs `command` as `user`; later it would run as the agent's user. Run
 * it both ways, for root and a few login accounts, and compare. False, with `why`, if the results
 * differ, it takes too long, it cannot be run, or SELinux would forbid the agent to run it. As
 * root. */
bool chain_is_safe(const char *command, const char *user, char *why, size_t size);

#endif
