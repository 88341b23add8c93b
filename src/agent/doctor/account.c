/* SPDX-License-Identifier: Apache-2.0 */
/* What the checks of one account share. */
#include "agent/doctor/account.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void account_setting(const struct account *account, enum finding_level level, const char *keyword,
		     const char *change, const char *format, ...)
{
	char text[FINDING_TEXT_SIZE], mend[FINDING_TEXT_SIZE];
	va_list values;

	va_start(values, format);
	vsnprintf(text, sizeof text, format, values);
	va_end(values);
	sshd_setting_mend(&account->sshd, keyword, change, mend);
	finding_add(account->patient, level, "account", mend, "%s", text);
}

bool account_has(const struct account *account, const char *keyword, const char *value)
{
	char set[SSHD_VALUE_SIZE];

	sshd_value(&account->effective, keyword, set);
	return strcmp(set, value) == 0;
}
