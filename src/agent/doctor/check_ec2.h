/* SPDX-License-Identifier: Apache-2.0 */
/* Could a key pushed on EC2 work here: is there an endpoint, an identity, and a signer? */
#ifndef EXC_AGENT_DOCTOR_CHECK_EC2_H
#define EXC_AGENT_DOCTOR_CHECK_EC2_H

#include "agent/doctor/findings.h"

/* Ask the metadata service as for a login, and verify the signer if it currently has one. */
void diagnose_ec2(struct patient *patient);

#endif
