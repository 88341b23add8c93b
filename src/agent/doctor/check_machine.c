/* SPDX-License-Identifier: Apache-2.0 */
/* Does this machine have what the agent needs, and can nobody else change it? */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>

#include "ledger/paths.h"
#include "agent/doctor/findings.h"
#include "base/root_only.h"
#include "base/run_program.h"
#include "agent/answer/walls.h"
#include "agent/wiring/selinux.h"
#include "agent/wiring/wiring.h"
#include "base/command_line.h"

#define AGENT_PROGRAM "/usr/bin/exc-instance-connect"
#define FETCH_PROGRAM PROGRAMDIR "/fetch"
#define TMPFILES "systemd-tmpfiles --create exc-instance-connect.conf"
#define JOURNALCTL "/usr/bin/journalctl"
#define JOURNAL_SECONDS 10

static void check_user(struct patient *patient)
{
	if (getpwnam(WIRING_COMMAND_USER) != NULL)
		finding_add(patient, FINDING_GOOD, "the agent's user", "",
			    WIRING_COMMAND_USER " exists");
	else
		finding_add(patient, FINDING_BAD, "the agent's user",
			    "systemd-sysusers exc-instance-connect.conf",
			    "there is no user " WIRING_COMMAND_USER);
}

/* sshd runs a command only if just root can change it and every directory in its path. `replace` is
 * the fix if it is missing. */
static void check_program(struct patient *patient, const char *name, const char *path,
			  const char *replace)
{
	char place[ROOT_ONLY_PATH_SIZE], mend[FINDING_TEXT_SIZE];

	if (root_only(path, place)) {
		finding_add(patient, FINDING_GOOD, name, "", "only root can change it");
	} else if (errno != 0) {
		finding_add(patient, FINDING_BAD, name, replace, "%s: %s", place, strerror(errno));
	} else {
		snprintf(mend, sizeof mend, "chown root %.200s && chmod go-w %.200s", place, place);
		finding_add(patient, FINDING_BAD, name, mend,
			    "users other than root may write %s, so sshd does not run it", place);
	}
}

/* The program that runs after the agent, if there is one. */
static void check_next_command(struct patient *patient)
{
	struct words words;

	if (patient->config.next_command[0] != '\0' &&
	    words_split(&words, patient->config.next_command))
		check_program(patient, "next_command", words.at[0],
			      "set next_command in " CONFIG_FILE " to a program that is there");
	if (patient->config.next_command[0] != '\0' && selinux_forbids_next_command())
		finding_add(patient, FINDING_BAD, "next_command", SELINUX_MEND,
			    "SELinux forbids the agent from running it");
}

static void check_ledger(struct patient *patient)
{
	const struct passwd *user = getpwnam(WIRING_COMMAND_USER);
	struct statvfs space;
	struct stat status;

	if (stat(LEDGER_DIR, &status) != 0 || statvfs(LEDGER_DIR, &space) != 0)
		finding_add(patient, FINDING_BAD, "ledger", TMPFILES, LEDGER_DIR ": %s",
			    strerror(errno));
	else if (user == NULL || status.st_uid != user->pw_uid || (status.st_mode & 077) != 0)
		finding_add(patient, FINDING_BAD, "ledger", TMPFILES,
			    LEDGER_DIR " must belong to " WIRING_COMMAND_USER " alone (mode 0700)");
	else if ((space.f_flag & ST_RDONLY) != 0)
		finding_add(patient, FINDING_BAD, "ledger", "mount -o remount,rw /run",
			    "/run is read-only");
	else if (space.f_bavail == 0 || (space.f_files > 0 && space.f_favail == 0))
		finding_add(patient, FINDING_BAD, "ledger",
			    "free space in /run, see: df -h /run; df -i /run", "/run is full");
	else
		finding_add(patient, FINDING_GOOD, "ledger", "", LEDGER_DIR " can be written");
}

/* Receipts that nobody sends, or that the endpoint does not accept */
static void check_receipts(struct patient *patient)
{
	static const char *const folders[] = { RECEIPTS_DIR, RECEIPTS_FALLBACK_DIR };
	const time_t now = time(NULL);
	unsigned int waiting = 0;

	for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
		DIR *folder = opendir(folders[i]);
		const struct dirent *entry;
		struct stat status;

		while (folder != NULL && (entry = readdir(folder)) != NULL)
			if (entry->d_name[0] != '.' &&
			    fstatat(dirfd(folder), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) ==
				    0 &&
			    now - status.st_mtime > DIAGNOSIS_RECEIPT_SECONDS)
				waiting++;
		if (folder != NULL)
			closedir(folder);
	}
	if (waiting > 0)
		finding_add(
			patient, FINDING_WARNING, "receipts",
			"systemctl start exc-instance-connect-report; journalctl -u exc-instance-connect-report",
			"%u have been waiting for more than %d minutes to be sent", waiting,
			DIAGNOSIS_RECEIPT_SECONDS / 60);
	else
		finding_add(patient, FINDING_GOOD, "receipts", "", "none are waiting");
}

/* The last kernel message about the agent that matches a pattern. False if there is none. */
static bool kernel_said(const char *pattern, char said[FINDING_TEXT_SIZE])
{
	char grep[64];
	const char *const argv[] = {
		JOURNALCTL,
		"-b",
		"-q",
		"--no-pager",
		"-n",
		"1",
		"-o",
		"cat",
		grep,
		"_TRANSPORT=kernel",
		"_TRANSPORT=audit", /* where auditd receives them from the kernel */
		NULL
	};

	snprintf(grep, sizeof grep, "--grep=(%s).*exc-instance", pattern);
	if (run_program(argv, said, FINDING_TEXT_SIZE, JOURNAL_SECONDS) != 0 || said[0] == '\0')
		return false;
	said[strcspn(said, "\n")] = '\0';
	return true;
}

/* What SELinux or AppArmor denied to the agent */
static void check_denials(struct patient *patient)
{
	char said[FINDING_TEXT_SIZE];

	if (kernel_said("avc: +denied|DENIED", said))
		finding_add(patient, FINDING_BAD, "mandatory access control",
			    "allow it in the policy, see: journalctl -b --grep=exc-instance",
			    "%.300s", said);
}

/* The names of these walls, separated by commas */
static void list_walls(unsigned int walls, char *text, size_t size)
{
	size_t length = 0;

	text[0] = '\0';
	for (unsigned int i = 0; i < SANDBOX_WALLS && length < size; i++)
		if ((walls & 1U << i) != 0)
			length += (size_t)snprintf(text + length, size - length, "%s%s",
						   length == 0 ? "" : ", ",
						   sandbox_wall_name(1U << i));
}

/* Which walls are active, and whether one has stopped a run of the agent */
static void check_sandbox(struct patient *patient)
{
	const unsigned int all = (1U << SANDBOX_WALLS) - 1;
	char walls[FINDING_TEXT_SIZE], missing[FINDING_TEXT_SIZE], said[FINDING_TEXT_SIZE];
	unsigned int standing;

	if (!patient->config.sandbox) {
		finding_add(patient, FINDING_WARNING, "sandbox", "remove that line from agent.conf",
			    "it is off: sandbox = no");
		return;
	}
	if (kernel_said("type=1326|SECCOMP", said)) {
		finding_add(
			patient, FINDING_BAD, "sandbox",
			"if one-time keys do not work: set sandbox = no in agent.conf, and report this",
			"%.300s", said);
		return;
	}
	standing = walls_try(&patient->config, LEDGER_DIR);
	list_walls(standing, walls, sizeof walls);
	list_walls(all & ~standing, missing, sizeof missing);
	finding_add(patient, FINDING_GOOD, "sandbox", "", "%s%s%s", walls,
		    missing[0] == '\0' ? "" : "; not supported here: ", missing);
}

void diagnose_machine(struct patient *patient)
{
	check_user(patient);
	check_program(patient, "the agent's program", AGENT_PROGRAM, DOCTOR_REINSTALL);
	check_program(patient, "the fetch program", FETCH_PROGRAM, DOCTOR_REINSTALL);
	check_next_command(patient);
	check_ledger(patient);
	check_receipts(patient);
	check_denials(patient);
	if (patient->config_is_good)
		check_sandbox(patient);
}
