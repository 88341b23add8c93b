/* SPDX-License-Identifier: Apache-2.0 */
/* The answer that this connection has already got. Without OpenSSL, which takes longer to load than
 * all of this: sshd asks twice in one login. */
#ifndef EXC_AGENT_ANSWER_RECALL_H
#define EXC_AGENT_ANSWER_RECALL_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#include "agent/config/problem.h"
#include "agent/provider/login_attempt.h"

/* Fill in who asks, and who will spend the key. attempt->config and ->ledger are set. The sandbox
 * keeps us from asking later. */
void recall_look_around(struct login_attempt *attempt);

/* Fill in the key's fingerprint and its blob's hash from the fingerprint that sshd passed. False if
 * it is not SHA-256's. */
bool recall_name_key(struct login_attempt *attempt);

/* What keeps this connection from being offered any key, with `detail`, a constant; or
 * PROBLEM_NONE. */
enum problem recall_obstacle(const struct login_attempt *attempt, const char **detail);

/* Print the key that this connection was offered, if this is that key. False, with nothing printed,
 * if the answer has to be looked for. */
bool recall_print(const struct login_attempt *attempt);

/* Write to sshd, which reads until the end of the answer, or until it has found the key. */
void answer_print(const char *text, size_t length);

/* Has it written all of something? A signal handler may look. */
extern volatile sig_atomic_t answer_was_printed;

#endif
