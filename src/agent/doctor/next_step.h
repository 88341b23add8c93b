/* SPDX-License-Identifier: Apache-2.0 */
/* What is left to do by hand after the installation, as one command. */
#ifndef EXC_AGENT_DOCTOR_NEXT_STEP_H
#define EXC_AGENT_DOCTOR_NEXT_STEP_H

#include <stdbool.h>

#define NEXT_STEP_SIZE 512

struct next_step {
	char why[NEXT_STEP_SIZE]; /* what is missing, and what the command has to be given */
	char command[NEXT_STEP_SIZE]; /* for root's shell */
};

/* Is there a configuration that can be read, trust and an identity? Asks nobody: neither sshd nor
 * the endpoint, so that it can run while packages are installed. True if something is missing, with
 * *step. */
bool next_step_find(struct next_step *step, const char *config_path);

#endif
