/* SPDX-License-Identifier: Apache-2.0 */
/* Show how sshd is wired, for `sshd status`. */
#ifndef EXC_AGENT_WIRING_SSHD_STATUS_H
#define EXC_AGENT_WIRING_SSHD_STATUS_H

#include <stdbool.h>

/* Print it, as text or as JSON. Returns the exit status: EXIT_SUCCESS if one-time keys are switched
 * on and single use is kept, otherwise EXIT_FAILURE. Needs root. */
int sshd_status(bool json, const char *config_path);

#endif
