/* SPDX-License-Identifier: Apache-2.0 */
/* Show how sshd is wired, for `sshd status`. */
#ifndef EXC_AGENT_WIRING_SSHD_STATUS_H
#define EXC_AGENT_WIRING_SSHD_STATUS_H

#include <stdbool.h>

/* Print it, as text or as JSON. Returns the exit status: EXIT_SUCCESS if one-time keys are switched
 * on and single use is kept, otherwise EXIT_FAILURE. Needs root. */
int sshd_status(bool json, const char *config_path);

/* What stops the agent from running a chained command that is gone from sshd's files */
#define SSHD_UNCHAIN "exc-instance-connect sshd disable && exc-instance-connect sshd enable"

/* Print that sshd never runs this AuthorizedKeysCommand, and how it would be run. */
void sshd_print_never_run(const char *command, const char *user);

#endif
