/* SPDX-License-Identifier: Apache-2.0 */
/* What the checks of one account share. */
#include "agent/doctor/account.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void account_setting(const struct account *account, enum finding_level level, const char *keyword,
		     const char *change, const char *format, ...)
{
	const char *unit = account->sshd.unit;
	char text[FINDING_TEXT_SIZE], mend[FINDING_TEXT_SIZE];
	va_list values;

	va_start(values, format);
	vsnprintf(text, sizeof text, format, values);
	va_end(values);
	/* Not every sshd has drop-ins: grep -s is silent about a directory that is missing. */
	snprintf(mend, sizeof mend,
		 "find it with: grep -rsi %s " SSHD_CONFIG " " SSHD_DROP_IN_DIR
		 "; %.200s; then: %s%s",
		 keyword, change, unit == NULL ? "reload sshd" : "systemctl reload ",
		 unit == NULL ? "" : unit);
	finding_add(account->patient, level, "account", mend, "%s", text);
}

bool account_has(const struct account *account, const char *keyword, const char *value)
{
	char set[SSHD_VALUE_SIZE];

	sshd_value(&account->effective, keyword, set);
	return strcmp(set, value) == 0;
}
