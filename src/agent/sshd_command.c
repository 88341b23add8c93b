/* SPDX-License-Identifier: Apache-2.0 */
/* sshd: wire the machine's sshd to the agent and the module, undo that, or say how it is wired. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "agent/agent.h"
#include "agent/sshd.h"
#include "agent/wiring.h"
#include "grant/json.h"

#define WHY_SIZE 512

static int fail(const char *what, const char *why)
{
	fprintf(stderr, "exc-instance-connect: %s%s%s\n", what, why[0] == '\0' ? "" : ": ", why);
	return EXIT_FAILURE;
}

static bool is_none(const char *command)
{
	return command[0] == '\0' || strcmp(command, "none") == 0;
}

/* Put everything back as it was, and have sshd read that. */
static int roll_back(const struct wiring_backup *backup, const struct sshd_effective *before,
		     const char *what, const char *why)
{
	char worse[WHY_SIZE] = "";

	if (!wiring_restore(backup, worse, sizeof worse))
		fail("not everything could be put back", worse);
	sshd_reload(before, worse, sizeof worse);
	fail(what, why);
	fputs("exc-instance-connect: everything was put back as it was\n", stderr);
	return EXIT_FAILURE;
}

/* Have sshd take the files that were written, or put them back. */
static int switch_over(const struct wiring_backup *backup, const struct sshd_effective *before,
		       bool answered)
{
	char why[WHY_SIZE] = "";

	if (!sshd_test(why, sizeof why))
		return roll_back(backup, before, "sshd does not take the new configuration", why);
	if (!sshd_reload(before, why, sizeof why))
		return roll_back(backup, before, "sshd could not be reloaded", why);
	if (answered && !sshd_stays(before))
		return roll_back(backup, before, "sshd did not answer after the reload", "");
	return EXIT_SUCCESS;
}

/* Nothing may be switched on what is broken already, or is not root's to switch. */
static bool may_change(struct sshd_effective *before)
{
	char why[WHY_SIZE] = "";

	if (geteuid() != 0) {
		fail("this changes sshd's configuration and needs root", "try sudo");
		return false;
	}
	if (access(SSHD_PROGRAM, X_OK) != 0) {
		fail("there is no " SSHD_PROGRAM, "install openssh-server first");
		return false;
	}
	/* In an image that is being made, sshd has never run, and would not even read its
	 * configuration. */
	if (mkdir(SSHD_RUN_DIR, 0755) == 0)
		chmod(SSHD_RUN_DIR, 0755); /* whatever the umask */
	if (!sshd_test(why, sizeof why) || !sshd_ask(before, why, sizeof why)) {
		fail("sshd's configuration was broken before, and nothing was changed; mend it first",
		     why);
		return false;
	}
	return true;
}

/* Another AuthorizedKeysCommand is never overwritten. False after saying whose it is. */
static bool is_free(const struct sshd_effective *before)
{
	char command[SSHD_VALUE_SIZE], user[SSHD_VALUE_SIZE];

	sshd_value(before, "authorizedkeyscommand", command);
	sshd_value(before, "authorizedkeyscommanduser", user);
	if (is_none(command) || sshd_command_is_ours(command))
		return true;
	fprintf(stderr,
		"exc-instance-connect: sshd has another AuthorizedKeysCommand, and nothing was changed:\n"
		"    %s (as %s)\n"
		"Find it with: grep -ri AuthorizedKeysCommand " SSHD_CONFIG " " SSHD_DROP_IN_DIR
		"\n",
		command, user);
	return false;
}

/* Will PAM run the module, and can this sshd tell it the key (OpenSSH 7.6)? */
static bool pam_is_usable(const struct sshd_effective *effective)
{
	char use_pam[SSHD_VALUE_SIZE], expose[SSHD_VALUE_SIZE];

	sshd_value(effective, "usepam", use_pam);
	/* The keyword came with SSH_AUTH_INFO_0. */
	sshd_value(effective, "exposeauthinfo", expose);
	return strcmp(use_pam, "yes") == 0 && expose[0] != '\0' &&
	       access(WIRING_PAM_FILE, R_OK) == 0;
}

/* sshd takes the first value that it reads: a line before our drop-in would win. */
static bool took_effect(char *why, size_t size)
{
	static struct sshd_effective after;
	char command[SSHD_VALUE_SIZE];

	if (!sshd_ask(&after, why, size))
		return false;
	sshd_value(&after, "authorizedkeyscommand", command);
	if (sshd_command_is_ours(command))
		return true;
	snprintf(why, size, "sshd -T still says: authorizedkeyscommand %.128s", command);
	return false;
}

static int enable(void)
{
	static struct sshd_effective before;
	struct wiring_backup backup;
	char why[WHY_SIZE] = "";
	bool answered, pam;
	int status;

	if (!may_change(&before) || !is_free(&before))
		return EXIT_FAILURE;
	if (!sshd_includes_drop_ins())
		return fail(SSHD_CONFIG " does not include " SSHD_DROP_IN_DIR "/*.conf",
			    "put the two lines of exc-instance-connect(1) into it by hand");
	if (!wiring_save(&backup, why, sizeof why))
		return fail("nothing was changed", why);
	answered = sshd_answers(&before);
	pam = pam_is_usable(&before);
	if (!wiring_write(pam, why, sizeof why) || !took_effect(why, sizeof why))
		status = roll_back(&backup, &before, "the wiring could not be made", why);
	else
		status = switch_over(&backup, &before, answered);
	wiring_forget(&backup);
	if (status != EXIT_SUCCESS)
		return status;
	puts("sshd asks exc-instance-connect about keys that are not in authorized_keys.");
	puts(pam ? "PAM spends a one-time key when its session opens."
		 : "Without PAM here, a one-time key is bound to the first connection that offers it.");
	if (!answered)
		puts("sshd did not answer before, so nothing was tried with it.");
	return EXIT_SUCCESS;
}

static int disable(void)
{
	static struct sshd_effective before;
	struct wiring_backup backup;
	char why[WHY_SIZE] = "";
	bool answered;
	int status;

	if (!may_change(&before))
		return EXIT_FAILURE;
	if (!wiring_save(&backup, why, sizeof why))
		return fail("nothing was changed", why);
	answered = sshd_answers(&before);
	if (!wiring_remove(why, sizeof why))
		status = roll_back(&backup, &before, "the wiring could not be removed", why);
	else
		status = switch_over(&backup, &before, answered);
	wiring_forget(&backup);
	if (status == EXIT_SUCCESS)
		puts("sshd no longer asks exc-instance-connect.");
	return status;
}

/* What there is to say of the wiring. */
struct report {
	struct wiring_state files;
	bool valid; /* sshd -t */
	bool answers;
	bool enabled; /* sshd asks the agent */
	char command[SSHD_VALUE_SIZE], user[SSHD_VALUE_SIZE];
	char why[WHY_SIZE]; /* what is wrong with the configuration */
};

static void look(struct report *report)
{
	static struct sshd_effective effective;

	memset(report, 0, sizeof *report);
	wiring_look(&report->files);
	report->valid = sshd_test(report->why, sizeof report->why) &&
			sshd_ask(&effective, report->why, sizeof report->why);
	if (!report->valid)
		return;
	sshd_value(&effective, "authorizedkeyscommand", report->command);
	sshd_value(&effective, "authorizedkeyscommanduser", report->user);
	report->enabled = sshd_command_is_ours(report->command);
	report->answers = sshd_answers(&effective);
}

static void print_json(const struct report *report)
{
	_cleanup_json_ cJSON *object = cJSON_CreateObject();
	_cleanup_free_ char *text = NULL;

	cJSON_AddBoolToObject(object, "enabled", report->enabled);
	cJSON_AddBoolToObject(object, "sshd_config_valid", report->valid);
	cJSON_AddBoolToObject(object, "sshd_answers", report->answers);
	cJSON_AddStringToObject(object, "authorized_keys_command", report->command);
	cJSON_AddStringToObject(object, "authorized_keys_command_user", report->user);
	cJSON_AddBoolToObject(object, "drop_in", report->files.drop_in);
	cJSON_AddBoolToObject(object, "pam_module", report->files.pam);
	cJSON_AddBoolToObject(object, "pam_wired", report->files.pam_wired);
	text = cJSON_Print(object);
	if (text != NULL)
		puts(text);
}

static void print_words(const struct report *report)
{
	const char *whose = is_none(report->command) ? "nobody"
			    : report->enabled        ? "exc-instance-connect"
						     : report->command;

	if (!report->valid)
		printf("sshd's configuration is broken: %s\n", report->why);
	else
		printf("About keys that are not in authorized_keys, sshd asks %s%s%s.\n", whose,
		       is_none(report->command) ? "" : ", as ",
		       is_none(report->command) ? "" : report->user);
	printf("%s %s.\n", WIRING_DROP_IN,
	       report->files.drop_in ? "is ours" : "is not ours or not there");
	printf("PAM %s the module for sshd.\n", report->files.pam ? "has" : "does not have");
	printf("The agent %s the module to spend keys.\n",
	       report->files.pam_wired ? "relies on" : "does not rely on");
	if (report->valid)
		printf("sshd %s on this machine.\n",
		       report->answers ? "answers" : "does not answer");
	if (report->files.pam_wired && !report->files.pam)
		puts("WRONG: keys are good until they expire, because nothing spends them.\n"
		     "Mend it with: exc-instance-connect sshd enable");
	else if (report->valid && !report->enabled)
		puts("Switch it on with: exc-instance-connect sshd enable");
}

static int status(bool json)
{
	struct report report;

	if (geteuid() != 0)
		return fail("sshd tells its configuration to root only", "try sudo");
	look(&report);
	if (json)
		print_json(&report);
	else
		print_words(&report);
	return report.enabled && report.files.pam_wired <= report.files.pam ? EXIT_SUCCESS
									    : EXIT_FAILURE;
}

int sshd_main(int argc, char **argv, const char *config_path)
{
	(void)config_path;
	if (argc == 1 && strcmp(argv[0], "enable") == 0)
		return enable();
	if (argc == 1 && strcmp(argv[0], "disable") == 0)
		return disable();
	if (argc == 1 && strcmp(argv[0], "status") == 0)
		return status(false);
	if (argc == 2 && strcmp(argv[0], "status") == 0 && strcmp(argv[1], "--json") == 0)
		return status(true);
	fputs("Usage: exc-instance-connect sshd enable | disable | status [--json]\n", stderr);
	return EXIT_USAGE;
}
