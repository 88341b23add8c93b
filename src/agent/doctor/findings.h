/* SPDX-License-Identifier: Apache-2.0 */
/* What the checks of a diagnosis share. */
#ifndef EXC_PATIENT_H
#define EXC_PATIENT_H

#include <stdbool.h>

#include "agent/config/config.h"
#include "agent/doctor/diagnosis.h"
#include "agent/config/instance_id.h"
#include "grant/trust.h"

/* What later checks need of earlier ones. */
struct patient {
	struct diagnosis *diagnosis;
	struct config config;
	bool config_is_good;
	struct trust *trust;
	char instance_id[INSTANCE_ID_SIZE];
};

/* Add a finding; one over FINDINGS_MAX is left out. `name` is a constant. */
__attribute__((format(printf, 5, 6))) void finding_add(struct patient *patient,
						       enum finding_level level, const char *name,
						       const char *mend, const char *format, ...);

/* sshd's configuration, and PAM's */
void diagnose_sshd(struct patient *patient);

/* What of ours has to be on this machine, for the agent's user to work with */
void diagnose_machine(struct patient *patient);

#endif
