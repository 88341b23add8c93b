/* SPDX-License-Identifier: Apache-2.0 */
/* What the checks of one account share. */
#ifndef EXC_AGENT_DOCTOR_ACCOUNT_H
#define EXC_AGENT_DOCTOR_ACCOUNT_H

#include <pwd.h>
#include <stdbool.h>

#include "agent/doctor/findings.h"
#include "agent/wiring/sshd_config.h"

struct account {
	struct patient *patient;
	const char *name;
	const struct passwd *passwd; /* getpwnam()'s */
	struct sshd sshd;
	struct sshd_effective effective; /* sshd's configuration for this account, */
	struct sshd_effective outside; /* and outside Match blocks */
};

/* Add a finding about sshd's `keyword`. The fix is to find it, to make `change`, and to reload. */
__attribute__((format(printf, 5, 6))) void account_setting(const struct account *account,
							   enum finding_level level,
							   const char *keyword, const char *change,
							   const char *format, ...);

/* Has sshd this value of a keyword, which is in lower case, for the account? */
bool account_has(const struct account *account, const char *keyword, const char *value);

/* What sshd's configuration has against it */
void check_account_sshd(const struct account *account);

#endif
