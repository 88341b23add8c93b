/* SPDX-License-Identifier: Apache-2.0 */
/* Is this machine the EC2 instance that the metadata service says it is? */
#ifndef EXC_AGENT_PROVIDER_EC2_IDENTITY_H
#define EXC_AGENT_PROVIDER_EC2_IDENTITY_H

#include <stdbool.h>

#include "agent/config/problem.h"

/* Does the machine itself confirm the instance id that the metadata service sent?
 * - `configured` has to be the same id, unless it is "auto".
 * - The asset tag of the board in SMBIOS has to be the same, if it is an instance's id (Nitro).
 * - Without such a tag (Xen), the id has to be configured.
 * True, with *source, a string constant; false, with `detail`. */
bool ec2_identity_holds(const char *configured, const char *id, const char **source,
			char detail[PROBLEM_DETAIL_SIZE]);

#endif
