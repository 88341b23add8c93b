/* SPDX-License-Identifier: Apache-2.0 */
/* What keeps one account from logging in with a one-time key? */
#include "agent/doctor/account.h"

#include <shadow.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "grant/grant.h"

#define SECONDS_PER_DAY 86400
#define NO_LOGINS "/etc/nologin"
/* systemd's, while the machine starts or stops; only PAM looks for it */
#define NO_LOGINS_YET "/run/nologin"
#define DEFAULT_SHELL "/bin/sh"
#define WHY_SIZE 256

__attribute__((format(printf, 3, 4))) static void bad(const struct account *account,
						      const char *mend, const char *format, ...)
{
	va_list values;

	va_start(values, format);
	finding_add_values(account->patient, FINDING_BAD, "account", mend, format, values);
	va_end(values);
}

/* sshd refuses a shell that it cannot run, unless the account lives in another root. */
static void check_shell(const struct account *account)
{
	const char *set = account->passwd->pw_shell;
	const char *shell = set[0] == '\0' ? DEFAULT_SHELL : set;
	char mend[FINDING_TEXT_SIZE];
	struct stat status;

	snprintf(mend, sizeof mend, "usermod -s /bin/bash %s", account->name);
	if (!sshd_shell_logs_in(shell))
		bad(account, mend, "the shell of %s lets nobody in: %.200s", account->name, shell);
	else if (account_has(account, "chrootdirectory", "none") &&
		 (stat(shell, &status) != 0 || !S_ISREG(status.st_mode) ||
		  (status.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)) == 0))
		bad(account, mend, "the shell of %s is not there or cannot be run: %.200s",
		    account->name, shell);
}

/* shadow(5). With PAM its account stack decides, which does not care whether the password is
 * locked; without it, sshd itself does, and does not care for the password's age. */
static void check_shadow(const struct account *account)
{
	const bool pam = account_has(account, "usepam", "yes");
	const long today = (long)(time(NULL) / SECONDS_PER_DAY);
	const struct spwd *shadow = getspnam(account->name);
	char mend[FINDING_TEXT_SIZE];

	if (shadow == NULL)
		return;
	/* On its very day pam_unix refuses an account, and sshd not yet. */
	if (shadow->sp_expire != -1 && today >= shadow->sp_expire + (pam ? 0 : 1)) {
		snprintf(mend, sizeof mend, "chage -E -1 %s", account->name);
		bad(account, mend, "the account %s expired %ld days ago", account->name,
		    today - shadow->sp_expire);
	}
	if (!pam && shadow->sp_pwdp[0] == '!') {
		snprintf(mend, sizeof mend, "usermod -p '*' %s", account->name);
		bad(account, mend,
		    "the account %s is locked: its password begins with ! and sshd has UsePAM no",
		    account->name);
	}
	if (pam && (shadow->sp_lstchg == 0 || (shadow->sp_max != -1 && shadow->sp_lstchg != -1 &&
					       today - shadow->sp_lstchg > shadow->sp_max))) {
		snprintf(mend, sizeof mend, "chage -d $(date +%%F) %s", account->name);
		bad(account, mend,
		    "the password of %s is too old, and PAM has it changed before a session",
		    account->name);
	}
}

/* The file that keeps everybody but root out; NULL if there is none. */
static const char *find_no_logins(const struct account *account)
{
	if (access(NO_LOGINS, F_OK) == 0)
		return NO_LOGINS;
	return account_has(account, "usepam", "yes") && access(NO_LOGINS_YET, F_OK) == 0
		       ? NO_LOGINS_YET
		       : NULL;
}

static void check_no_logins(const struct account *account)
{
	const char *path = find_no_logins(account);
	char mend[FINDING_TEXT_SIZE];

	if (path == NULL || account->passwd->pw_uid == 0)
		return;
	snprintf(mend, sizeof mend, "rm %s", path);
	bad(account, mend, "%s lets only root log in", path);
}

static void check_denied(const struct account *account)
{
	char mend[FINDING_TEXT_SIZE];

	if (!account->patient->config_is_good ||
	    !config_denies(&account->patient->config, account->name))
		return;
	snprintf(mend, sizeof mend, "remove %s from deny_users in " CONFIG_FILE, account->name);
	bad(account, mend, "deny_users in " CONFIG_FILE " has %s", account->name);
}

void diagnose_account(struct patient *patient, const char *name)
{
	const unsigned int before = patient->diagnosis->count;
	struct account account = { .patient = patient, .name = name };
	char mend[FINDING_TEXT_SIZE], why[WHY_SIZE];

	if (!grant_user_is_valid(name)) {
		bad(&account, problem_advice(PROBLEM_USER_NAME_INVALID),
		    "no grant can be for this user name");
		return;
	}
	check_denied(&account);
	account.passwd = getpwnam(name);
	if (account.passwd == NULL) {
		snprintf(mend, sizeof mend, "useradd --create-home --shell /bin/bash %s", name);
		bad(&account, mend, "there is no account %s", name);
		return;
	}
	sshd_find(&account.sshd);
	if (!sshd_ask(&account.sshd, NULL, &account.outside, why, sizeof why) ||
	    !sshd_ask(&account.sshd, name, &account.effective, why, sizeof why)) {
		bad(&account, "fix it, and check with: sshd -t",
		    "sshd's configuration for %s cannot be read: %s", name, why);
		return;
	}
	check_shell(&account);
	check_shadow(&account);
	check_no_logins(&account);
	check_account_sshd(&account);
	if (patient->diagnosis->count == before)
		finding_add(patient, FINDING_GOOD, "account", "",
			    "nothing keeps %s from a one-time login", name);
}
