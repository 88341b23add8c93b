/* SPDX-License-Identifier: Apache-2.0 */
/* The wall around system calls: seccomp (seccomp(2)). */
#ifndef EXC_AGENT_ANSWER_SANDBOX_SECCOMP_H
#define EXC_AGENT_ANSWER_SANDBOX_SECCOMP_H

#include <stdbool.h>

/* Set it up. False if the kernel or this build has no seccomp. */
bool sandbox_seccomp(void);

#endif
