/* SPDX-License-Identifier: Apache-2.0 */
/* What in sshd's configuration keeps one account from logging in with a one-time key? */
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/doctor/account.h"
#include "agent/wiring/sshd_pattern.h"
#include "agent/wiring/wiring.h"

#define KEY_METHOD "publickey"
/* Groups of one account that are looked at; Linux has no more (NGROUPS_MAX) */
#define GROUPS_MAX 65536

/* Settings that switch on a method of AuthenticationMethods. Old versions have two for one. */
static const struct {
	const char *method, *keyword;
} method_settings[] = {
	{ "password", "passwordauthentication" },
	{ "keyboard-interactive", "kbdinteractiveauthentication" },
	{ "keyboard-interactive", "challengeresponseauthentication" },
	{ "gssapi-with-mic", "gssapiauthentication" },
	{ "hostbased", "hostbasedauthentication" },
};

/* Is this method, of `length` bytes and maybe with a device as in "keyboard-interactive:pam",
 * switched on? */
static bool method_is_on(const struct account *account, const char *method, size_t length)
{
	const size_t name = strcspn(method, ":,");
	char value[SSHD_VALUE_SIZE];
	bool known = false;

	length = name < length ? name : length;
	for (size_t i = 0; i < sizeof method_settings / sizeof method_settings[0]; i++) {
		if (strlen(method_settings[i].method) != length ||
		    memcmp(method_settings[i].method, method, length) != 0)
			continue;
		sshd_value(&account->effective, method_settings[i].keyword, value);
		if (strcmp(value, "yes") == 0)
			return true;
		known |= value[0] != '\0';
	}
	return !known;
}

/* What one list of AuthenticationMethods asks besides the key, into `rest`. False if there is no
 * key in it, or if sshd ignores it, for it has a method that is switched off. */
static bool list_takes_key(const struct account *account, const char *list,
			   char rest[SSHD_VALUE_SIZE])
{
	bool has_key = false;
	size_t used = 0;

	rest[0] = '\0';
	while (*list != '\0') {
		const size_t length = strcspn(list, ",");
		const bool is_key =
			length == strlen(KEY_METHOD) && memcmp(list, KEY_METHOD, length) == 0;

		if (!method_is_on(account, list, length))
			return false;
		if (!is_key || has_key)
			used += (size_t)snprintf(rest + used, SSHD_VALUE_SIZE - used, "%s%.*s",
						 used == 0 ? "" : ", ", (int)length, list);
		/* The list has fewer than SSHD_VALUE_SIZE bytes, but the rest has spaces. */
		if (used >= SSHD_VALUE_SIZE)
			return false;
		has_key |= is_key;
		list += length + (list[length] == ',');
	}
	return has_key;
}

static void check_methods(const struct account *account)
{
	static const char change[] = "add the list " KEY_METHOD " to it";
	char lists[SSHD_VALUE_SIZE], copy[SSHD_VALUE_SIZE], rest[SSHD_VALUE_SIZE];
	char factor[SSHD_VALUE_SIZE] = "", *position;

	sshd_value(&account->effective, "authenticationmethods", lists);
	if (lists[0] == '\0' || strcmp(lists, "any") == 0)
		return;
	snprintf(copy, sizeof copy, "%s", lists);
	for (const char *list = strtok_r(copy, " ", &position); list != NULL;
	     list = strtok_r(NULL, " ", &position)) {
		if (!list_takes_key(account, list, rest))
			continue;
		if (rest[0] == '\0')
			return;
		if (factor[0] == '\0')
			snprintf(factor, sizeof factor, "%s", rest);
	}
	if (factor[0] != '\0')
		account_setting(account, FINDING_WARNING, "AuthenticationMethods", change,
				"a key alone does not log in %s: AuthenticationMethods also asks "
				"for %.200s",
				account->name, factor);
	else
		account_setting(
			account, FINDING_BAD, "AuthenticationMethods", change,
			"no key logs in %s: AuthenticationMethods has no list with " KEY_METHOD
			" whose methods are all switched on: %.200s",
			account->name, lists);
}

/* How the account is in a list of users, which sshd prints one to a line. `pattern` gets the line
 * that decides; *any: there is a list. */
static enum sshd_user_match match_users(const struct account *account, const char *keyword,
					char pattern[SSHD_VALUE_SIZE], bool *any)
{
	enum sshd_user_match best = SSHD_USER_OUTSIDE;
	char line[SSHD_VALUE_SIZE];

	*any = false;
	/* Bounded by SSHD_OUTPUT_SIZE */
	for (unsigned int i = 0; sshd_nth_value(&account->effective, keyword, i, line); i++) {
		const enum sshd_user_match match = sshd_pattern_user(account->name, line);

		*any = true;
		if (match <= best)
			continue;
		best = match;
		snprintf(pattern, SSHD_VALUE_SIZE, "%s", line);
	}
	return best;
}

static void check_users(const struct account *account)
{
	char pattern[SSHD_VALUE_SIZE] = "", change[FINDING_TEXT_SIZE];
	enum sshd_user_match match;
	bool any;

	match = match_users(account, "denyusers", pattern, &any);
	snprintf(change, sizeof change, "remove %.128s from it", pattern);
	if (match == SSHD_USER_INSIDE)
		account_setting(account, FINDING_BAD, "DenyUsers", change,
				"DenyUsers has %.128s, which is also %s", pattern, account->name);
	else if (match == SSHD_USER_BY_ADDRESS)
		account_setting(
			account, FINDING_WARNING, "DenyUsers", change,
			"it depends on the client's address whether DenyUsers keeps %s out: "
			"%.128s",
			account->name, pattern);
	match = match_users(account, "allowusers", pattern, &any);
	snprintf(change, sizeof change, "add %s to it", account->name);
	if (any && match == SSHD_USER_OUTSIDE)
		account_setting(account, FINDING_BAD, "AllowUsers", change,
				"AllowUsers does not have %s", account->name);
	else if (match == SSHD_USER_BY_ADDRESS)
		account_setting(account, FINDING_WARNING, "AllowUsers", change,
				"it depends on the client's address whether AllowUsers lets %s in: "
				"%.128s",
				account->name, pattern);
}

/* Is one of the account's groups in a list, which sshd prints one to a line? */
static bool match_groups(const struct account *account, const gid_t *groups, int count,
			 const char *keyword, char pattern[SSHD_VALUE_SIZE])
{
	for (int i = 0; i < count; i++) {
		const struct group *group = getgrgid(groups[i]);

		for (unsigned int n = 0;
		     group != NULL && sshd_nth_value(&account->effective, keyword, n, pattern); n++)
			if (sshd_pattern_matches(group->gr_name, pattern))
				return true;
	}
	return false;
}

static void check_groups(const struct account *account)
{
	char pattern[SSHD_VALUE_SIZE], change[FINDING_TEXT_SIZE];
	const gid_t own = account->passwd->pw_gid;
	const struct group *group;
	int count = 0;
	gid_t *groups;

	if (!sshd_nth_value(&account->effective, "denygroups", 0, pattern) &&
	    !sshd_nth_value(&account->effective, "allowgroups", 0, pattern))
		return;
	getgrouplist(account->name, own, NULL, &count);
	groups = count > 0 && count <= GROUPS_MAX ? calloc((size_t)count, sizeof *groups) : NULL;
	if (groups == NULL || getgrouplist(account->name, own, groups, &count) < 0) {
		free(groups);
		return;
	}
	if (match_groups(account, groups, count, "denygroups", pattern)) {
		snprintf(change, sizeof change, "remove %.128s from it", pattern);
		account_setting(account, FINDING_BAD, "DenyGroups", change,
				"DenyGroups has %.128s, which is a group of %s", pattern,
				account->name);
	}
	if (sshd_nth_value(&account->effective, "allowgroups", 0, pattern) &&
	    !match_groups(account, groups, count, "allowgroups", pattern)) {
		group = getgrgid(own);
		snprintf(change, sizeof change, "add %.128s to it",
			 group == NULL ? "one of its groups" : group->gr_name);
		account_setting(account, FINDING_BAD, "AllowGroups", change,
				"AllowGroups has no group of %s", account->name);
	}
	free(groups);
}

static void check_root(const struct account *account)
{
	static const char change[] = "set PermitRootLogin prohibit-password";

	if (account->passwd->pw_uid != 0)
		return;
	if (account_has(account, "permitrootlogin", "no"))
		account_setting(account, FINDING_BAD, "PermitRootLogin", change,
				"PermitRootLogin is no");
	else if (account_has(account, "permitrootlogin", "forced-commands-only"))
		account_setting(account, FINDING_BAD, "PermitRootLogin", change,
				"PermitRootLogin is forced-commands-only: only keys that are "
				"restricted to a command log in");
}

/* Which command sshd runs for this account, and as which user. */
static void check_account_command(const struct account *account)
{
	char command[SSHD_VALUE_SIZE], user[SSHD_VALUE_SIZE], outside[SSHD_VALUE_SIZE];

	sshd_value(&account->effective, "authorizedkeyscommand", command);
	sshd_value(&account->effective, "authorizedkeyscommanduser", user);
	if (sshd_command_is_ours(command)) {
		if (strcmp(user, WIRING_COMMAND_USER) != 0)
			account_setting(account, FINDING_BAD, "AuthorizedKeysCommandUser",
					"set AuthorizedKeysCommandUser " WIRING_COMMAND_USER,
					"AuthorizedKeysCommandUser for %s is %.64s", account->name,
					user);
		return;
	}
	sshd_value(&account->outside, "authorizedkeyscommand", outside);
	finding_add(account->patient, FINDING_BAD, "account",
		    strcmp(command, outside) == 0 ? sshd_command_mend(command)
						  : "man exc-instance-connect, MATCH BLOCKS",
		    "AuthorizedKeysCommand for %s is: %.200s", account->name, command);
}

void check_account_sshd(const struct account *account)
{
	if (account_has(account, "pubkeyauthentication", "no"))
		account_setting(account, FINDING_BAD, "PubkeyAuthentication",
				"set PubkeyAuthentication yes", "PubkeyAuthentication for %s is no",
				account->name);
	check_methods(account);
	check_key_types(account->patient, &account->sshd, &account->effective, "account",
			account->name);
	check_users(account);
	check_groups(account);
	check_root(account);
	check_account_command(account);
}
