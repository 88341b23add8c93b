/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that must be right for a one-time login, looked at one by one. */
#include "agent/diagnosis.h"

#include <errno.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>

#include "agent/config.h"
#include "agent/instance.h"
#include "agent/metadata.h"
#include "agent/paths.h"
#include "agent/root_only.h"
#include "agent/run.h"
#include "agent/sshd.h"
#include "agent/sshd_service.h"
#include "agent/wiring.h"
#include "agent/words.h"
#include "grant/json.h"
#include "grant/signed_time.h"
#include "grant/trust.h"

#define AGENT_PROGRAM "/usr/bin/exc-instance-connect"
#define TMPFILES "systemd-tmpfiles --create exc-instance-connect.conf"
#define JOURNALCTL "/usr/bin/journalctl"
#define JOURNAL_SECONDS 10
/* Nobody has this key: the endpoint's answer is an empty list. */
#define PROBE_FINGERPRINT "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define PROBE_USER "root"

/* What later checks need of earlier ones. */
struct patient {
	struct diagnosis *diagnosis;
	struct config config;
	bool config_is_good;
	struct trust *trust;
	char instance_id[INSTANCE_ID_SIZE];
};

__attribute__((format(printf, 5, 6))) static void find(struct patient *patient,
						       enum finding_level level, const char *name,
						       const char *mend, const char *format, ...)
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

/* Whom sshd asks, and as whom. */
static void check_command(struct patient *patient, const struct sshd *sshd,
			  const struct sshd_effective *effective)
{
	char command[SSHD_VALUE_SIZE], user[SSHD_VALUE_SIZE];

	sshd_value(effective, "authorizedkeyscommand", command);
	sshd_value(effective, "authorizedkeyscommanduser", user);
	if (sshd_service_command_origin(sshd, effective) == SSHD_ORIGIN_PROCESS)
		find(patient, FINDING_BAD, "sshd's configuration",
		     "start it without, see: exc-instance-connect sshd status",
		     "the sshd that runs has another AuthorizedKeysCommand on its command line");
	else if (!sshd_command_is_ours(command))
		find(patient, FINDING_BAD, "sshd's configuration",
		     "exc-instance-connect sshd enable", "AuthorizedKeysCommand is: %.200s",
		     command);
	else if (strcmp(user, WIRING_COMMAND_USER) != 0)
		find(patient, FINDING_BAD, "sshd's configuration",
		     "set AuthorizedKeysCommandUser " WIRING_COMMAND_USER,
		     "it runs the agent as %.64s", user);
	else
		find(patient, FINDING_GOOD, "sshd's configuration", "",
		     "it asks the agent, as %.64s", user);
}

static void check_sshd(struct patient *patient)
{
	char why[FINDING_TEXT_SIZE] = "", command[SSHD_VALUE_SIZE];
	struct sshd_effective effective;
	struct sshd_other other;
	struct sshd sshd;

	sshd_find(&sshd);
	if (!sshd_test(&sshd, why, sizeof why) ||
	    !sshd_ask(&sshd, NULL, &effective, why, sizeof why)) {
		find(patient, FINDING_BAD, "sshd's configuration", "mend it, and try: sshd -t",
		     "%s", why);
		return;
	}
	check_command(patient, &sshd, &effective);
	sshd_value(&effective, "authorizedkeyscommand", command);
	if (sshd_find_other(&sshd, command, &other))
		find(patient, FINDING_WARNING, "Match block",
		     "man exc-instance-connect, MATCH BLOCKS",
		     "one-time keys do not log in as %s: a Match block asks %.200s", other.user,
		     other.command);
	if (sshd_service_answers(&effective))
		find(patient, FINDING_GOOD, "sshd", "", "it answers");
	else
		find(patient, FINDING_WARNING, "sshd", "systemctl status ssh",
		     "it does not answer on this machine");
}

static void check_pam(struct patient *patient)
{
	struct wiring_state state;

	wiring_look(&state);
	if (state.pam && state.pam_wired)
		find(patient, FINDING_GOOD, "PAM", "", "the module spends keys");
	else if (state.pam_wired)
		find(patient, FINDING_BAD, "PAM", "exc-instance-connect sshd enable",
		     "%s is there, but no PAM file has the module: nothing spends keys",
		     PAM_WIRED_FILE);
	else
		find(patient, FINDING_WARNING, "PAM", "exc-instance-connect sshd enable",
		     "a key is bound to the first connection that offers it%s",
		     state.pam ? ": the agent does not rely on the module"
			       : ", without the module");
}

static void check_user(struct patient *patient)
{
	if (getpwnam(WIRING_COMMAND_USER) != NULL)
		find(patient, FINDING_GOOD, "the agent's user", "", WIRING_COMMAND_USER " exists");
	else
		find(patient, FINDING_BAD, "the agent's user",
		     "systemd-sysusers exc-instance-connect.conf",
		     "there is no user " WIRING_COMMAND_USER);
}

/* sshd runs a command only if root alone can change it, and every folder on the way to it. */
static void check_program(struct patient *patient, const char *name, const char *path)
{
	char place[ROOT_ONLY_PATH_SIZE], mend[FINDING_TEXT_SIZE];

	if (root_only(path, place)) {
		find(patient, FINDING_GOOD, name, "", "root alone can change it");
	} else if (errno != 0) {
		find(patient, FINDING_BAD, name, "install the package again", "%s: %s", place,
		     strerror(errno));
	} else {
		snprintf(mend, sizeof mend, "chown root %.200s && chmod go-w %.200s", place, place);
		find(patient, FINDING_BAD, name, mend,
		     "others than root may write %s, so sshd does not run it", place);
	}
}

/* The program that runs after the agent, if there is one. */
static void check_next_command(struct patient *patient)
{
	struct words words;

	if (patient->config.next_command[0] != '\0' &&
	    words_split(&words, patient->config.next_command))
		check_program(patient, "next_command", words.at[0]);
}

/* The CA certificate that ends first. */
static void check_expiry(struct patient *patient)
{
	STACK_OF(X509) *authorities = trust_authorities(patient->trust);
	int first = -1, days, seconds;

	for (int i = 0; i < sk_X509_num(authorities); i++) {
		const X509 *certificate = sk_X509_value(authorities, i);

		if (ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(certificate)) != 1)
			continue;
		if (days < 0 || seconds < 0) {
			find(patient, FINDING_BAD, "trust anchors",
			     "ask the operator for the new certificate",
			     "a CA certificate has ended");
			return;
		}
		if (first < 0 || days < first)
			first = days;
	}
	if (first >= 0)
		find(patient, first < DIAGNOSIS_EXPIRY_DAYS ? FINDING_WARNING : FINDING_GOOD,
		     "trust anchors",
		     first < DIAGNOSIS_EXPIRY_DAYS ? "ask the operator for the next certificate"
						   : "",
		     "the first CA certificate ends in %d days", first);
}

static void check_trust(struct patient *patient)
{
	const char *directory = patient->config.trust_dir;
	char mend[FINDING_TEXT_SIZE];
	enum trust_state state;
	unsigned int skipped;
	const char *name;

	snprintf(mend, sizeof mend,
		 "put the operator's key there: exc-connectd init > %.128s/operator.pem",
		 directory);
	state = trust_open(directory, &patient->trust);
	if (state == TRUST_OK)
		state = trust_load(patient->trust);
	if (state == TRUST_UNSAFE || state == TRUST_TOO_MANY) {
		snprintf(mend, sizeof mend, "chown -R root: %.128s && chmod -R go-w %.128s",
			 directory, directory);
		find(patient, FINDING_BAD, "trust anchors", mend,
		     state == TRUST_UNSAFE ? "others than root may write %.128s"
					   : "there are too many files in %.128s",
		     directory);
		return;
	}
	if (state != TRUST_OK) {
		find(patient, FINDING_BAD, "trust anchors", mend, "there is none in %.128s",
		     directory);
		return;
	}
	skipped = trust_skipped(patient->trust, &name);
	if (skipped > 0)
		find(patient, FINDING_WARNING, "trust anchors",
		     "it must be a PEM public key or CA certificate that root alone may write",
		     "%u files cannot be used, the first is %.128s.pem", skipped, name);
	else
		find(patient, FINDING_GOOD, "trust anchors", "", "all of %.128s can be used",
		     directory);
	check_expiry(patient);
}

static void check_instance(struct patient *patient)
{
	const char *source;

	if (instance_find(patient->config.instance_id, patient->instance_id, &source))
		find(patient, FINDING_GOOD, "instance", "", "this is %s, says %s",
		     patient->instance_id, source);
	else
		find(patient, FINDING_BAD, "instance", "set instance_id in " CONFIG_FILE,
		     "neither SMBIOS nor cloud-init says which instance this is");
}

static void check_ledger(struct patient *patient)
{
	const struct passwd *user = getpwnam(WIRING_COMMAND_USER);
	struct statvfs space;
	struct stat status;

	if (stat(LEDGER_DIR, &status) != 0 || statvfs(LEDGER_DIR, &space) != 0)
		find(patient, FINDING_BAD, "ledger", TMPFILES, LEDGER_DIR ": %s", strerror(errno));
	else if (user == NULL || status.st_uid != user->pw_uid || (status.st_mode & 077) != 0)
		find(patient, FINDING_BAD, "ledger", TMPFILES,
		     LEDGER_DIR " must belong to " WIRING_COMMAND_USER " alone (mode 0700)");
	else if ((space.f_flag & ST_RDONLY) != 0)
		find(patient, FINDING_BAD, "ledger", "mount -o remount,rw /run",
		     "/run is read-only");
	else if (space.f_bavail == 0 || (space.f_files > 0 && space.f_favail == 0))
		find(patient, FINDING_BAD, "ledger",
		     "free space in /run, see: df -h /run; df -i /run", "/run is full");
	else
		find(patient, FINDING_GOOD, "ledger", "", LEDGER_DIR " can be written");
}

/* The endpoint's clock and ours. */
static void check_clock(struct patient *patient, const cJSON *answer, const char *nonce)
{
	const char *text = json_string(answer, "time");
	const struct signed_time_policy policy = {
		.trust = patient->trust,
		.signer_name = patient->config.signer_name[0] ? patient->config.signer_name : NULL,
		.instance_id = patient->instance_id,
		.nonce = nonce,
		.now = time(NULL),
	};
	enum grant_verdict verdict;
	time_t signed_time;
	long long apart;

	if (text == NULL || patient->trust == NULL)
		return;
	verdict = signed_time_verify(text, strlen(text), &policy, &signed_time);
	if (verdict != GRANT_OK) {
		find(patient, FINDING_BAD, "clock", "check the trust anchors and the instance id",
		     "the endpoint's signed time does not verify: %s", grant_verdict_name(verdict));
		return;
	}
	apart = (long long)policy.now - (long long)signed_time;
	if (llabs(apart) > (long long)patient->config.clock_skew)
		find(patient, FINDING_WARNING, "clock", "set it: timedatectl set-ntp true",
		     "this machine's clock is %lld seconds %s the endpoint's", llabs(apart),
		     apart < 0 ? "behind" : "before");
	else
		find(patient, FINDING_GOOD, "clock", "", "as the endpoint's");
}

static void check_endpoint(struct patient *patient)
{
	_cleanup_json_ cJSON *answer = NULL;
	char detail[PROBLEM_DETAIL_SIZE] = "", nonce[METADATA_NONCE_SIZE];
	struct timespec begin, end;
	enum problem problem;
	long milliseconds;

	if (!metadata_make_nonce(nonce))
		return;
	clock_gettime(CLOCK_MONOTONIC, &begin);
	problem = metadata_get_grants(&patient->config, PROBE_USER, PROBE_FINGERPRINT, nonce,
				      &answer, detail);
	clock_gettime(CLOCK_MONOTONIC, &end);
	milliseconds = (end.tv_sec - begin.tv_sec) * 1000 + (end.tv_nsec - begin.tv_nsec) / 1000000;
	if (problem != PROBLEM_NONE) {
		find(patient, FINDING_BAD, "endpoint", problem_advice(problem), "%s (%s)", detail,
		     problem_name(problem));
		return;
	}
	find(patient, FINDING_GOOD, "endpoint", "", "%.128s answers in %ld ms",
	     patient->config.metadata_url, milliseconds);
	if (answer != NULL)
		check_clock(patient, answer, nonce);
}

/* What SELinux or AppArmor forbade the agent, as the kernel says it. */
static void check_denials(struct patient *patient)
{
	const char *const argv[] = {
		JOURNALCTL, "-b", "-k", "-q",  "--no-pager",
		"-n",       "1",  "-o", "cat", "--grep=(avc: +denied|DENIED).*exc-instance",
		NULL
	};
	char said[FINDING_TEXT_SIZE];

	if (run_program(argv, said, sizeof said, JOURNAL_SECONDS) != 0 || said[0] == '\0')
		return;
	said[strcspn(said, "\n")] = '\0';
	find(patient, FINDING_BAD, "mandatory access control",
	     "allow it in the policy, see: journalctl -k --grep=exc-instance", "%.300s", said);
}

void diagnose(struct diagnosis *diagnosis, const char *config_path)
{
	struct patient patient = { .diagnosis = diagnosis };

	diagnosis->count = 0;
	check_config(&patient, config_path);
	check_sshd(&patient);
	check_pam(&patient);
	check_user(&patient);
	check_program(&patient, "the agent's program", AGENT_PROGRAM);
	check_next_command(&patient);
	check_ledger(&patient);
	check_denials(&patient);
	if (!patient.config_is_good)
		return; /* the rest depends on what it says */
	check_trust(&patient);
	check_instance(&patient);
	check_endpoint(&patient);
	trust_free(patient.trust);
}
