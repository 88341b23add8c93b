/* SPDX-License-Identifier: Apache-2.0 */
/* Check everything that must be right for a one-time login, one by one. */
#ifndef EXC_AGENT_DOCTOR_DIAGNOSIS_H
#define EXC_AGENT_DOCTOR_DIAGNOSIS_H

#define FINDINGS_MAX 48
#define FINDING_TEXT_SIZE 512
/* Days before a CA certificate expires when warnings start */
#define DIAGNOSIS_EXPIRY_DAYS 30
/* Seconds that a receipt may wait before a warning */
#define DIAGNOSIS_RECEIPT_SECONDS 600

enum finding_level {
	FINDING_GOOD,
	FINDING_WARNING,
	FINDING_BAD
};

struct finding {
	enum finding_level level;
	const char *name; /* a constant, such as "trust anchors" */
	char text[FINDING_TEXT_SIZE]; /* what was seen */
	char mend[FINDING_TEXT_SIZE]; /* how to fix it; empty when it is good */
};

struct diagnosis {
	unsigned int count;
	struct finding findings[FINDINGS_MAX];
};

/* Check everything, as root, and with a `user` (otherwise NULL) also what keeps this account out;
 * takes as long as the endpoint, at most timeout_ms, and sshd printing
 * its configuration. Changes nothing. */
void diagnose(struct diagnosis *diagnosis, const char *config_path, const char *user);

#endif
