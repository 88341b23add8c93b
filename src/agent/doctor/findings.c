/* SPDX-License-Identifier: Apache-2.0 */
/* What doctor's checks share. */
#include "agent/doctor/findings.h"

#include <stdarg.h>
#include <stdio.h>

void finding_add_values(struct patient *patient, enum finding_level level, const char *name,
			const char *mend, const char *format, va_list values)
{
	struct finding *finding = &patient->diagnosis->findings[patient->diagnosis->count];

	if (patient->diagnosis->count == FINDINGS_MAX)
		return;
	patient->diagnosis->count++;
	finding->level = level;
	finding->name = name;
	snprintf(finding->mend, sizeof finding->mend, "%s", mend);
	vsnprintf(finding->text, sizeof finding->text, format, values);
}

void finding_add(struct patient *patient, enum finding_level level, const char *name,
		 const char *mend, const char *format, ...)
{
	va_list values;

	va_start(values, format);
	finding_add_values(patient, level, name, mend, format, values);
	va_end(values);
}
