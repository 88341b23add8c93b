/* SPDX-License-Identifier: Apache-2.0 */
/* The module's line in sshd's PAM stack: find it, add it, remove it. */
#ifndef EXC_AGENT_WIRING_PAM_STACK_H
#define EXC_AGENT_WIRING_PAM_STACK_H

#include <stdbool.h>
#include <stddef.h>

#define PAM_STACK_MODULE "pam_exc_instance_connect.so"
#define PAM_STACK_FILE "/etc/pam.d/sshd"
/* Where Debian's pam-auth-update(8) puts lines for all services; sshd's file includes it */
#define PAM_STACK_COMMON_FILE "/etc/pam.d/common-session"
/* And, at the same time, for non-interactive ones */
#define PAM_STACK_OTHER_FILE "/etc/pam.d/common-session-noninteractive"

/* Does one of the two files have the module? Comments do not count. */
bool pam_stack_has_module(void);

#define PAM_STACK_PATH_SIZE 256

/* Find the module where PAM looks for it, next to its own pam_unix.so, and check that it loads.
 * False, with `why`. */
bool pam_stack_find_module(char path[PAM_STACK_PATH_SIZE], char *why, size_t size);

/* Put the module in front of all other session lines: with pam-auth-update if our Debian package
 * has installed its profile, otherwise as a marked line in sshd's file. Does nothing if it is
 * there. False, with `why`. */
bool pam_stack_add(char *why, size_t size);

/* Remove what pam_stack_add() added, and nothing that an administrator wrote. False, with `why`. */
bool pam_stack_remove(char *why, size_t size);

#endif
