/* SPDX-License-Identifier: Apache-2.0 */
/* Check everything that must be right for a one-time login, one by one. */
#include "agent/doctor/diagnosis.h"

#include "agent/doctor/check_ec2.h"
#include "agent/doctor/check_excloud.h"
#include "agent/doctor/findings.h"

static void check_config(struct patient *patient, const char *path)
{
	char detail[PROBLEM_DETAIL_SIZE] = "";

	patient->config_is_good = config_load(&patient->config, path, detail);
	if (patient->config_is_good)
		finding_add(patient, FINDING_GOOD, "configuration", "", "%s is understood", path);
	else
		finding_add(patient, FINDING_BAD, "configuration",
			    "fix that line, see: man exc-instance-connect.conf", "%s", detail);
}

/* What a key of each provider needs */
static void (*const provider_checks[CONFIG_PROVIDER_COUNT])(struct patient *) = {
	[PROVIDER_EXCLOUD] = diagnose_excloud,
	[PROVIDER_EC2] = diagnose_ec2,
};

void diagnose(struct diagnosis *diagnosis, const char *config_path, const char *user)
{
	struct patient patient = { .diagnosis = diagnosis };

	diagnosis->count = 0;
	check_config(&patient, config_path);
	diagnose_sshd(&patient);
	if (user != NULL)
		diagnose_account(&patient, user);
	diagnose_machine(&patient);
	/* The rest depends on what the configuration says. */
	if (patient.config_is_good)
		provider_checks[patient.config.provider](&patient);
	trust_free(patient.trust);
}
