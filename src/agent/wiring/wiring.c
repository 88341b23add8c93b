/* SPDX-License-Identifier: Apache-2.0 */
/* The files that wire sshd to the agent and the module: write them, back them up, remove them. */
#include "agent/wiring/wiring.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/wiring/pam_stack.h"
#include "ledger/paths.h"
#include "ledger/stack_proof.h"
#include "agent/wiring/systemd_unit.h"
#include "base/cleanup.h"

#define WRITTEN_BY                                                                                 \
	"# Written by: exc-instance-connect sshd enable. Removed by: exc-instance-connect sshd disable\n"
#define CHAINED_BY                                                                                 \
	"# Written by: exc-instance-connect sshd enable --chain. Removed by: exc-instance-connect sshd disable\n"
#define PROVIDED_BY                                                                                \
	"# Written by: exc-instance-connect sshd enable --provider. Removed by: exc-instance-connect sshd disable\n"
#define NEXT_COMMAND CHAINED_BY "next_command = "
#define PROVIDER PROVIDED_BY "provider = "

#define DROP_IN_SETTINGS                                                                           \
	"AuthorizedKeysCommand " WIRING_COMMAND "\nAuthorizedKeysCommandUser " WIRING_COMMAND_USER \
	"\n"
#define PRINCIPALS_TEXT                                                                                              \
	"# This sshd ignores an AuthorizedPrincipalsCommand after an AuthorizedKeysCommand, so ours has a copy of\n" \
	"# yours. Change it where you set it, reload sshd, then run: exc-instance-connect sshd enable\n"

/* Every unit that may start an sshd, on Debian, Ubuntu, Fedora and RHEL: the daemon, or one for
 * each connection. */
#define UNIT_PATH(unit) "/etc/systemd/system/" unit ".d/" WIRING_UNIT_DROP_IN
static const struct unit {
	const char *name;
	const char *drop_in;
} units[] = {
	{ "ssh.service", UNIT_PATH("ssh.service") },
	{ "sshd.service", UNIT_PATH("sshd.service") },
	{ "ssh@.service", UNIT_PATH("ssh@.service") },
	{ "sshd@.service", UNIT_PATH("sshd@.service") },
};
#define UNITS (sizeof units / sizeof units[0])

static const char *const paths[] = {
	WIRING_DROP_IN,
	WIRING_DROP_IN_FIRST,
	PAM_STACK_FILE,
	PAM_STACK_COMMON_FILE,
	PAM_STACK_OTHER_FILE,
	PAM_WIRED_FILE,
	CONFIG_FILE,
	UNIT_PATH("ssh.service"),
	UNIT_PATH("sshd.service"),
	UNIT_PATH("ssh@.service"),
	UNIT_PATH("sshd@.service"),
};

/* Does this drop-in of sshd's set what we write? */
static bool has_settings(const char *path)
{
	static const char settings[] = DROP_IN_SETTINGS;
	size_t length;
	_cleanup_free_ char *now = file_read(path, &length);

	return now != NULL && length >= sizeof settings - 1 &&
	       strncmp(now, WRITTEN_BY, strlen(WRITTEN_BY)) == 0 &&
	       strcmp(now + length - (sizeof settings - 1), settings) == 0;
}

const char *wiring_unit_drop_in(const char *unit)
{
	for (size_t i = 0; i < UNITS; i++)
		if (strcmp(units[i].name, unit) == 0)
			return units[i].drop_in;
	return NULL;
}

static bool has_unit_drop_in(void)
{
	for (size_t i = 0; i < UNITS; i++)
		if (access(units[i].drop_in, F_OK) == 0)
			return true;
	return false;
}

void wiring_look(struct wiring_state *state)
{
	state->place = has_settings(WIRING_DROP_IN_FIRST) ? WIRING_IN_DROP_IN_FIRST
		       : has_settings(WIRING_DROP_IN)     ? WIRING_IN_DROP_IN
		       : has_unit_drop_in()               ? WIRING_IN_UNITS
							  : WIRING_NOWHERE;
	state->pam = pam_stack_has_module();
	state->pam_wired = stack_proof_holds(PAM_WIRED_FILE);
}

const char *wiring_place_name(enum wiring_place place)
{
	switch (place) {
	case WIRING_IN_DROP_IN:
		return WIRING_DROP_IN;
	case WIRING_IN_DROP_IN_FIRST:
		return WIRING_DROP_IN_FIRST;
	case WIRING_IN_UNITS:
		return UNIT_PATH("ssh*.service");
	case WIRING_NOWHERE:
		break;
	}
	return "none of our files";
}

bool wiring_save(struct file_backup *backup, char *why, size_t size)
{
	return file_backup_save(backup, paths, sizeof paths / sizeof paths[0], why, size);
}

/* Print a value of sshd_config as systemd reads it between double quotes. False if it cannot be. */
static bool print_for_unit(FILE *to, const char *value)
{
	/* sshd and systemd have rules of their own for these. */
	if (strpbrk(value, "\"'\\") != NULL)
		return false;
	for (; *value != '\0'; value++)
		fprintf(to, *value == '%' || *value == '$' ? "%c%c" : "%c", *value, *value);
	return true;
}

/* The plan's copies as options, "" if there are none. NULL if they cannot be. The caller frees. */
static char *principals_options(const struct wiring_plan *plan)
{
	char *text = NULL;
	size_t length;
	FILE *to = open_memstream(&text, &length);
	bool good = to != NULL;

	if (good && plan->principals_command != NULL) {
		fputs(" -o \"AuthorizedPrincipalsCommand ", to);
		good = print_for_unit(to, plan->principals_command);
		fputs("\" -o \"AuthorizedPrincipalsCommandUser ", to);
		good = good && print_for_unit(to, plan->principals_user);
		fputs("\"", to);
	}
	if (to != NULL && fclose(to) == 0 && good)
		return text;
	free(text);
	return NULL;
}

/* Put our options in front of the existing ones: the first counts. NULL if the command cannot be
 * changed that way. The caller frees. */
static char *unit_text(const char *exec_start, const struct wiring_plan *plan)
{
	_cleanup_free_ char *principals = principals_options(plan);
	size_t program = strcspn(exec_start, " \t");
	char *text;

	/* With "@" the second word is the program's argv[0]. */
	if (principals == NULL || memchr(exec_start, '@', program) != NULL ||
	    strpbrk(exec_start, "\"'") == exec_start)
		return NULL;
	if (asprintf(&text,
		     WRITTEN_BY
		     "# These are the options that were there, after ours.\n%s"
		     "[Service]\nExecStart=\nExecStart=%.*s%s"
		     " -o \"AuthorizedKeysCommand /usr/bin/exc-instance-connect authorized-keys"
		     " %%%%u %%%%f %%%%t %%%%k\""
		     " -o \"AuthorizedKeysCommandUser " WIRING_COMMAND_USER "\"%s\n",
		     principals[0] == '\0' ? "" : PRINCIPALS_TEXT, (int)program, exec_start,
		     principals, exec_start + program) < 0)
		return NULL;
	return text;
}

/* An alias of another unit is not a unit of its own. */
static bool is_alias(const char *unit)
{
	static const char *const folders[] = { "/etc/systemd/system", "/run/systemd/system",
					       "/usr/lib/systemd/system", "/lib/systemd/system" };
	char path[128], target[256];

	for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
		snprintf(path, sizeof path, "%s/%s", folders[i], unit);
		if (readlink(path, target, sizeof target) > 0)
			return true;
		if (access(path, F_OK) == 0)
			return false;
	}
	return false;
}

static bool remove_unit_drop_in(const struct unit *unit, bool *changed, char *why, size_t size)
{
	if (access(unit->drop_in, F_OK) != 0)
		return true;
	*changed = true;
	if (!file_remove(unit->drop_in))
		return file_say_errno(why, size, unit->drop_in);
	file_remove_empty_folder(unit->drop_in);
	return true;
}

/* Add our options to one unit. The unit without them provides the rest of the command. */
static bool write_unit_drop_in(const struct unit *unit, const struct wiring_plan *plan,
			       bool *changed, char *why, size_t size)
{
	struct unit_command command;
	size_t length;
	_cleanup_free_ char *before = file_read(unit->drop_in, &length);
	_cleanup_free_ char *text = NULL;

	if (is_alias(unit->name) || !unit_read(unit->name, unit->drop_in, &command))
		return remove_unit_drop_in(unit, changed, why, size);
	text = unit_text(command.text, plan);
	if (text == NULL) {
		snprintf(why, size, "%s: its ExecStart= cannot be changed%s%.256s", unit->name,
			 plan->principals_command == NULL
				 ? ""
				 : ", or cannot take the AuthorizedPrincipalsCommand ",
			 plan->principals_command == NULL ? "" : plan->principals_command);
		return false;
	}
	if (before != NULL && strcmp(before, text) == 0)
		return true;
	*changed = true;
	return file_replace(unit->drop_in, text, strlen(text)) ||
	       file_say_errno(why, size, unit->drop_in);
}

static bool write_units(const struct wiring_plan *plan, bool *changed, char *why, size_t size)
{
	for (size_t i = 0; i < UNITS; i++)
		if (!write_unit_drop_in(&units[i], plan, changed, why, size))
			return false;
	if (has_unit_drop_in())
		return true;
	snprintf(why, size, "there is no ssh.service and no sshd.service to add our options to");
	return false;
}

static bool remove_units(bool *changed, char *why, size_t size)
{
	for (size_t i = 0; i < UNITS; i++)
		if (!remove_unit_drop_in(&units[i], changed, why, size))
			return false;
	return true;
}

static bool remove_drop_in(const char *path, char *why, size_t size)
{
	return file_remove(path) || file_say_errno(why, size, path);
}

static bool write_drop_in(const char *path, const struct wiring_plan *plan, char *why, size_t size)
{
	_cleanup_free_ char *text = NULL;
	int length = plan->principals_command == NULL
			     ? asprintf(&text, WRITTEN_BY "%s", DROP_IN_SETTINGS)
			     : asprintf(&text,
					WRITTEN_BY PRINCIPALS_TEXT
					"AuthorizedPrincipalsCommand %s\n"
					"AuthorizedPrincipalsCommandUser %s\n%s",
					plan->principals_command, plan->principals_user,
					DROP_IN_SETTINGS);

	if (length < 0)
		text = NULL;
	return (text != NULL && file_replace(path, text, (size_t)length)) ||
	       file_say_errno(why, size, path);
}

/* Of the two drop-ins of sshd's, keep the planned one only. */
static bool write_drop_ins(const struct wiring_plan *plan, char *why, size_t size)
{
	const bool usual = plan->place == WIRING_IN_DROP_IN;
	const bool first = plan->place == WIRING_IN_DROP_IN_FIRST;

	return (usual ? write_drop_in(WIRING_DROP_IN, plan, why, size)
		      : remove_drop_in(WIRING_DROP_IN, why, size)) &&
	       (first ? write_drop_in(WIRING_DROP_IN_FIRST, plan, why, size)
		      : remove_drop_in(WIRING_DROP_IN_FIRST, why, size));
}

/* In front of everything: what the administrator wrote stays byte for byte. */
static bool set_setting(const char *setting, const char *value, char *why, size_t size)
{
	size_t length;
	_cleanup_free_ char *before = file_read(CONFIG_FILE, &length);
	_cleanup_free_ char *text = NULL;
	int text_length;

	if (before == NULL && errno != ENOENT)
		return file_say_errno(why, size, CONFIG_FILE);
	text_length = asprintf(&text, "%s%s\n%s", setting, value, before == NULL ? "" : before);
	if (text_length < 0) {
		text = NULL;
		return file_say_errno(why, size, CONFIG_FILE);
	}
	return file_replace(CONFIG_FILE, text, (size_t)text_length) ||
	       file_say_errno(why, size, CONFIG_FILE);
}

/* Remove one of our settings from agent.conf, whatever its value. */
static bool unset_setting(const char *setting, char *why, size_t size)
{
	size_t length;
	_cleanup_free_ char *text = file_read(CONFIG_FILE, &length);
	char *ours = text == NULL ? NULL : strstr(text, setting);
	char *rest;

	if (ours == NULL)
		return true;
	rest = ours + strlen(setting);
	rest += strcspn(rest, "\n");
	rest += *rest == '\n';
	memmove(ours, rest, strlen(rest) + 1);
	if (text[0] == '\0')
		return file_remove(CONFIG_FILE) || file_say_errno(why, size, CONFIG_FILE);
	return file_replace(CONFIG_FILE, text, strlen(text)) ||
	       file_say_errno(why, size, CONFIG_FILE);
}

static bool remove_pam_wired(char *why, size_t size)
{
	return file_remove(PAM_WIRED_FILE) || file_say_errno(why, size, PAM_WIRED_FILE);
}

bool wiring_write(const struct wiring_plan *plan, bool *units_changed, char *why, size_t size)
{
	/* Before sshd asks the agent, so that no keys stop working in between. */
	if (plan->next_command != NULL &&
	    !(unset_setting(NEXT_COMMAND, why, size) &&
	      set_setting(NEXT_COMMAND, plan->next_command, why, size)))
		return false;
	if (plan->provider != NULL && !(unset_setting(PROVIDER, why, size) &&
					set_setting(PROVIDER, plan->provider, why, size)))
		return false;
	if (!(plan->place == WIRING_IN_UNITS ? write_units(plan, units_changed, why, size)
					     : remove_units(units_changed, why, size)))
		return false;
	if (!write_drop_ins(plan, why, size))
		return false;
	/* A proof is about what is there now, and is made once that has taken effect. */
	if (plan->module == NULL)
		return remove_pam_wired(why, size);
	return pam_stack_add(why, size);
}

bool wiring_remove(bool *units_changed, char *why, size_t size)
{
	/* pam.wired first: it is what makes a key depend on the module. */
	return remove_pam_wired(why, size) && remove_units(units_changed, why, size) &&
	       remove_drop_in(WIRING_DROP_IN, why, size) &&
	       remove_drop_in(WIRING_DROP_IN_FIRST, why, size) && pam_stack_remove(why, size);
}

bool wiring_has_next_command(void)
{
	size_t length;
	_cleanup_free_ char *text = file_read(CONFIG_FILE, &length);

	return text != NULL && strstr(text, NEXT_COMMAND) != NULL;
}

bool wiring_remove_settings(char *why, size_t size)
{
	return unset_setting(NEXT_COMMAND, why, size) && unset_setting(PROVIDER, why, size);
}
