/* SPDX-License-Identifier: Apache-2.0 */
/* Could a grant of excloud hold here: is there trust, an identity, an endpoint, and the right time?
 */
#ifndef EXC_DIAGNOSIS_EXCLOUD_H
#define EXC_DIAGNOSIS_EXCLOUD_H

#include "agent/doctor/findings.h"

/* Look at trust anchors, instance id, endpoint and clock. Opens patient->trust, which is the
 * caller's to free. */
void diagnose_excloud(struct patient *patient);

#endif
