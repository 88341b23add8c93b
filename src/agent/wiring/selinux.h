/* SPDX-License-Identifier: Apache-2.0 */
/* What the loaded SELinux policy lets the agent do. */
#ifndef EXC_AGENT_WIRING_SELINUX_H
#define EXC_AGENT_WIRING_SELINUX_H

#include <stdbool.h>

/* The boolean that lets the agent run next_command, and how to set it */
#define SELINUX_NEXT_COMMAND "exc_instance_connect_run_next_command"
#define SELINUX_MEND "setsebool -P " SELINUX_NEXT_COMMAND " on"

/* Does the policy keep the agent from running next_command? Not without SELinux, and not without
 * our policy module. A permissive policy counts as enforcing. */
bool selinux_forbids_next_command(void);

#endif
