/* SPDX-License-Identifier: Apache-2.0 */
/* Proof that the PAM module is loaded in a process: a lock that the kernel keeps for it.
 *
 * With `UsePAM no`, or another stack, sshd never loads the module, and a key would be good for any
 * number of logins. So the module, as soon as sshd loads it, which is before its first question,
 * locks one byte of a file of root's: the one at the offset of its process id. The lock goes when
 * the process goes, however it ends, and the kernel tells who holds it, even where /proc is hidden.
 * A file per process would outlive a process that is killed, and then vouch for the next one with
 * the same pid. */
#ifndef EXC_LEDGER_MODULE_LOCK_H
#define EXC_LEDGER_MODULE_LOCK_H

#include <stdbool.h>
#include <sys/types.h>

#include "ledger/ledger.h"

/* The file's name in LEDGER_DIR. tmpfiles.d makes it: the module makes nothing in a directory that
 * may be somebody else's. */
#define MODULE_LOCK_FILE "modules"

/* For the module, as root: take the lock of this process. Returns a descriptor to keep open for as
 * long as the module is loaded, or -1 with errno. Allocates nothing. */
int module_lock_take(const char *directory);

/* For the agent: does a process of root's with this pid hold its lock? */
bool module_lock_is_held(const struct ledger *ledger, pid_t pid);

#endif
