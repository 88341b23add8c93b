/* SPDX-License-Identifier: Apache-2.0 */
/* The wall around system calls: seccomp (seccomp(2)). */
#ifndef EXC_SANDBOX_SECCOMP_H
#define EXC_SANDBOX_SECCOMP_H

#include <stdbool.h>

/* Set it up, with the calls of the fetch program, which has the network, or with the agent's, which
 * has files. False if the kernel or this build has no seccomp. */
bool sandbox_seccomp(bool network);

#endif
