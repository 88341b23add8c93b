/* SPDX-License-Identifier: Apache-2.0 */
/* What the agent may still do once it reads what the endpoint sent: its part of the sandbox. */
#ifndef EXC_AGENT_ANSWER_WALLS_H
#define EXC_AGENT_ANSWER_WALLS_H

#include "agent/config/config.h"
#include "sandbox/sandbox.h"

/* Sandbox this process, see sandbox_enter(). `writable` is the only directory in which it can still
 * write: the ledger. */
unsigned int walls_enter(const struct config *config, const char *writable);

/* Which walls stand here for the agent and for its fetch program: those of both, see sandbox_try().
 */
unsigned int walls_try(const struct config *config, const char *writable);

#endif
