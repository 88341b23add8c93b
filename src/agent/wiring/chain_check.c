/* SPDX-License-Identifier: Apache-2.0 */
/* May another AuthorizedKeysCommand become our next_command without locking anybody out? */
#include "agent/wiring/chain_check.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/answer/next_command.h"
#include "agent/config/config.h"
#include "base/run_program.h"
#include "agent/wiring/selinux.h"
#include "agent/wiring/wiring.h"
#include "base/cleanup.h"

#define SETPRIV "/usr/bin/setpriv"
#define PASSWD_FILE "/etc/passwd"
#define PEOPLE_UID_MIN 1000
#define PEOPLE_UID_MAX 60000

/* A key that nobody has: its 32 bytes are zero. */
static const struct login_attempt probe = {
	.passed_fingerprint = "SHA256:kmYcvdi2GkPeWxB6XLjrZB8JHsy2Hm8luHMFp9GMvqk",
	.key_type = "ssh-ed25519",
	.key = "AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
};

/* The command's answer when run as one user. */
struct said {
	int status;
	struct run_output output;
};

static bool run_as(const char *user, const struct words *words, struct said *said)
{
	const char *argv[WORDS_MAX + 8] = { SETPRIV };
	const struct passwd *account = getpwnam(user);
	char uid[32], gid[32];
	unsigned int count = 1;

	if (account == NULL)
		return false;
	snprintf(uid, sizeof uid, "--reuid=%u", (unsigned int)account->pw_uid);
	snprintf(gid, sizeof gid, "--regid=%u", (unsigned int)account->pw_gid);
	argv[count++] = uid;
	argv[count++] = gid;
	argv[count++] = "--init-groups";
	argv[count++] = "--";
	for (unsigned int i = 0; i < words->count; i++)
		argv[count++] = words->at[i];
	argv[count] = NULL;
	said->status =
		run_for_output(argv, &said->output, RUN_ERRORS_DROPPED, 1000 * CHAIN_SECONDS_MAX);
	return true;
}

static bool is_same(const struct said *before, const struct said *after)
{
	return before->status == after->status && before->output.length == after->output.length &&
	       memcmp(before->output.text, after->output.text, before->output.length) == 0;
}

/* Try it for one account. */
static bool try_account(const char *command, const char *user, const char *account, char *why,
			size_t size)
{
	_cleanup_free_ char *before_text = malloc(NEXT_COMMAND_OUTPUT_MAX + 1);
	_cleanup_free_ char *after_text = malloc(NEXT_COMMAND_OUTPUT_MAX + 1);
	struct said before = { 0, { .text = before_text, .size = NEXT_COMMAND_OUTPUT_MAX + 1 } };
	struct said after = { 0, { .text = after_text, .size = NEXT_COMMAND_OUTPUT_MAX + 1 } };
	struct login_attempt query = probe;
	struct words words;

	query.user = account;
	if (before_text == NULL || after_text == NULL) {
		snprintf(why, size, "not enough memory");
		return false;
	}
	if (!next_command_expand(command, &query, &words, why, size))
		return false;
	if (!run_as(user, &words, &before) || !run_as(WIRING_COMMAND_USER, &words, &after)) {
		snprintf(why, size, "there is no user %.32s or no user " WIRING_COMMAND_USER, user);
		return false;
	}
	if (before.status == RUN_TOO_LONG || after.status == RUN_TOO_LONG) {
		snprintf(why, size, "for %.32s it takes longer than %d seconds", account,
			 CHAIN_SECONDS_MAX);
		return false;
	}
	if (before.output.cut || after.output.cut) {
		snprintf(why, size, "it prints more than %d bytes", NEXT_COMMAND_OUTPUT_MAX);
		return false;
	}
	if (is_same(&before, &after))
		return true;
	snprintf(
		why, size,
		"for %.32s it exits, as %.32s, with status %d and %zu bytes of output, but as " WIRING_COMMAND_USER
		" with status %d and %zu bytes",
		account, user, before.status, before.output.length, after.status,
		after.output.length);
	return false;
}

bool chain_is_safe(const char *command, const char *user, char *why, size_t size)
{
	FILE *file;
	const struct passwd *account;
	unsigned int tried = 0;
	bool safe = true;

	if (!next_command_is_valid(command)) {
		snprintf(why, size, "it has tokens or quotes that next_command does not support");
		return false;
	}
	/* With %u in its name it runs as the user who logs in, which the agent never does. */
	if (strchr(user, '%') != NULL) {
		snprintf(why, size, "it runs as the user who logs in (%.64s)", user);
		return false;
	}
	/* Root may, so a test as root proves nothing. */
	if (selinux_forbids_next_command()) {
		snprintf(why, size, "SELinux forbids that; allow it first, with: " SELINUX_MEND);
		return false;
	}
	file = fopen(PASSWD_FILE, "re");
	if (file == NULL) {
		snprintf(why, size, PASSWD_FILE " cannot be read");
		return false;
	}
	while (safe && tried < CHAIN_ACCOUNTS_MAX && (account = fgetpwent(file)) != NULL) {
		char name[64];

		if (account->pw_uid != 0 &&
		    (account->pw_uid < PEOPLE_UID_MIN || account->pw_uid > PEOPLE_UID_MAX))
			continue;
		snprintf(name, sizeof name, "%s", account->pw_name);
		tried++;
		safe = try_account(command, user, name, why, size);
	}
	fclose(file);
	return safe;
}
