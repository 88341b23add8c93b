/* SPDX-License-Identifier: Apache-2.0 */
/* Our own answer to sshd: ask the provider, record the offer, print the key. */
#ifndef EXC_AGENT_ANSWER_ANSWER_H
#define EXC_AGENT_ANSWER_ANSWER_H

#include <stdbool.h>

#include "agent/config/config.h"
#include "agent/provider/login_attempt.h"

/* Print the authorized_keys line of a valid grant, or nothing, to standard output. `wrong` is why
 * the configuration cannot be used, or NULL. The journal says what keeps a key from being offered.
 * Enters the sandbox before it reads from the network. Takes about timeout_ms at most. True if it
 * has printed a key. */
bool answer_sshd(const struct config *config, const char *wrong,
		 const struct login_attempt *passed);

#endif
