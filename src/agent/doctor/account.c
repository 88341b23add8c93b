/* SPDX-License-Identifier: Apache-2.0 */
/* What the checks of one account share. */
#include "agent/doctor/account.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void account_setting(const struct account *account, enum finding_level level, const char *keyword,
		     const char *change, const char *format, ...)
{
	char mend[FINDING_TEXT_SIZE];
	va_list values;

	sshd_setting_mend(&account->sshd, keyword, change, mend);
	va_start(values, format);
	finding_add_values(account->patient, level, "account", mend, format, values);
	va_end(values);
}

bool account_has(const struct account *account, const char *keyword, const char *value)
{
	char set[SSHD_VALUE_SIZE];

	sshd_value(&account->effective, keyword, set);
	return strcmp(set, value) == 0;
}
