/* SPDX-License-Identifier: Apache-2.0 */
/* What doctor's checks share. */
#ifndef EXC_AGENT_DOCTOR_FINDINGS_H
#define EXC_AGENT_DOCTOR_FINDINGS_H

#include <stdarg.h>
#include <stdbool.h>

#include "agent/config/config.h"
#include "agent/doctor/diagnosis.h"
#include "agent/config/instance_id.h"
#include "agent/wiring/sshd_config.h"
#include "grant/trust.h"
#include "ledger/paths.h"

/* What brings back a file of ours, by the package manager that is there */
#define DOCTOR_REINSTALL                                                                           \
	"apt-get install --reinstall exc-instance-connect, or: dnf reinstall exc-instance-connect"

/* What trusts an operator, given the trust directory, and what tells this machine which instance it
 * is: not in agent.conf, where instance_id may be set already, and on no clone of this machine. */
#define DOCTOR_TRUST "install -D -m 0644 operator.pem %.128s/operator.pem"
#define DOCTOR_PIN "echo \"ID $(cat /etc/machine-id)\" >" INSTANCE_ID_FILE

/* What later checks need from earlier ones. */
struct patient {
	struct diagnosis *diagnosis;
	struct config config;
	bool config_is_good;
	struct trust *trust;
	char instance_id[INSTANCE_ID_SIZE];
};

/* Add a finding; any over FINDINGS_MAX are dropped. `name` is a constant. */
__attribute__((format(printf, 5, 6))) void finding_add(struct patient *patient,
						       enum finding_level level, const char *name,
						       const char *mend, const char *format, ...);

/* The same with the values as one, for functions that add findings of one kind. */
__attribute__((format(printf, 5, 0))) void finding_add_values(struct patient *patient,
							      enum finding_level level,
							      const char *name, const char *mend,
							      const char *format, va_list values);

/* sshd's configuration, and PAM's */
void diagnose_sshd(struct patient *patient);

/* What keeps this account from logging in with a one-time key */
void diagnose_account(struct patient *patient, const char *name);

/* Which types of keys sshd accepts, for an account, or for all with NULL. `name` is the finding's.
 */
void check_key_types(struct patient *patient, const struct sshd *sshd,
		     const struct sshd_effective *effective, const char *name, const char *account);

/* What wires sshd, if this is the command that it asks: a constant */
const char *sshd_command_mend(const char *command);

/* Into `mend`: find sshd's `keyword`, make this change, reload. */
void sshd_setting_mend(const struct sshd *sshd, const char *keyword, const char *change,
		       char mend[FINDING_TEXT_SIZE]);

/* What the agent's user needs on this machine */
void diagnose_machine(struct patient *patient);

#endif
