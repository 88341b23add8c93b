/* SPDX-License-Identifier: Apache-2.0 */
/* Could an excloud grant be valid here: is there trust, an identity, an endpoint, the right time?
 */
#ifndef EXC_AGENT_DOCTOR_CHECK_EXCLOUD_H
#define EXC_AGENT_DOCTOR_CHECK_EXCLOUD_H

#include "agent/doctor/findings.h"

/* Check trust anchors, instance id, endpoint and clock. Opens patient->trust, which the caller
 * frees. */
void diagnose_excloud(struct patient *patient);

#endif
