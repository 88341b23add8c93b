/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that must be right for a one-time login, looked at one by one. */
#include "agent/diagnosis.h"

#include <stdarg.h>
#include <stdio.h>

#include "agent/patient.h"

void find(struct patient *patient, enum finding_level level, const char *name, const char *mend,
	  const char *format, ...)
{
	struct finding *finding = &patient->diagnosis->findings[patient->diagnosis->count];
	va_list values;

	if (patient->diagnosis->count == FINDINGS_MAX)
		return;
	patient->diagnosis->count++;
	finding->level = level;
	finding->name = name;
	snprintf(finding->mend, sizeof finding->mend, "%s", mend);
	va_start(values, format);
	vsnprintf(finding->text, sizeof finding->text, format, values);
	va_end(values);
}

static void check_config(struct patient *patient, const char *path)
{
	char detail[PROBLEM_DETAIL_SIZE] = "";

	patient->config_is_good = config_load(&patient->config, path, detail);
	if (patient->config_is_good)
		find(patient, FINDING_GOOD, "configuration", "", "%s is understood", path);
	else
		find(patient, FINDING_BAD, "configuration",
		     "mend that line, see: man exc-instance-connect.conf", "%s", detail);
}

void diagnose(struct diagnosis *diagnosis, const char *config_path)
{
	struct patient patient = { .diagnosis = diagnosis };

	diagnosis->count = 0;
	check_config(&patient, config_path);
	diagnose_sshd(&patient);
	diagnose_machine(&patient);
	/* The rest depends on what the configuration says. */
	if (patient.config_is_good)
		diagnose_grants(&patient);
	trust_free(patient.trust);
}
