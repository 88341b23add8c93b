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

static const char drop_in_text[] =
	WRITTEN_BY "AuthorizedKeysCommand " WIRING_COMMAND
		   "\nAuthorizedKeysCommandUser " WIRING_COMMAND_USER "\n";

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

static bool has_text(const char *path, const char *text)
{
	size_t length;
	_cleanup_free_ char *now = file_read(path, &length);

	return now != NULL && strcmp(now, text) == 0;
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
	state->place = has_text(WIRING_DROP_IN_FIRST, drop_in_text) ? WIRING_IN_DROP_IN_FIRST
		       : has_text(WIRING_DROP_IN, drop_in_text)     ? WIRING_IN_DROP_IN
		       : has_unit_drop_in()                         ? WIRING_IN_UNITS
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

/* Put our options in front of the existing ones: the first counts. NULL if the command cannot be
 * changed that way. The caller frees. */
static char *unit_text(const char *exec_start)
{
	size_t program = strcspn(exec_start, " \t");
	char *text;

	/* With "@" the second word is the program's argv[0]. */
	if (memchr(exec_start, '@', program) != NULL || strpbrk(exec_start, "\"'") == exec_start)
		return NULL;
	if (asprintf(&text,
		     WRITTEN_BY
		     "# These are the options that were there, after two of ours.\n"
		     "[Service]\nExecStart=\nExecStart=%.*s"
		     " -o \"AuthorizedKeysCommand /usr/bin/exc-instance-connect authorized-keys"
		     " %%%%u %%%%f %%%%t %%%%k\""
		     " -o \"AuthorizedKeysCommandUser " WIRING_COMMAND_USER "\"%s\n",
		     (int)program, exec_start, exec_start + program) < 0)
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
static bool write_unit_drop_in(const struct unit *unit, bool *changed, char *why, size_t size)
{
	struct unit_command command;
	size_t length;
	_cleanup_free_ char *before = file_read(unit->drop_in, &length);
	_cleanup_free_ char *text = NULL;

	if (is_alias(unit->name) || !unit_read(unit->name, unit->drop_in, &command))
		return remove_unit_drop_in(unit, changed, why, size);
	text = unit_text(command.text);
	if (text == NULL) {
		snprintf(why, size, "%s: its ExecStart= cannot be changed", unit->name);
		return false;
	}
	if (before != NULL && strcmp(before, text) == 0)
		return true;
	*changed = true;
	return file_replace(unit->drop_in, text, strlen(text)) ||
	       file_say_errno(why, size, unit->drop_in);
}

static bool write_units(bool *changed, char *why, size_t size)
{
	for (size_t i = 0; i < UNITS; i++)
		if (!write_unit_drop_in(&units[i], changed, why, size))
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

/* Of the two sshd_config drop-ins, keep the planned one only. */
static bool write_drop_in(const char *path, bool wanted, char *why, size_t size)
{
	return (wanted ? file_replace(path, drop_in_text, strlen(drop_in_text))
		       : file_remove(path)) ||
	       file_say_errno(why, size, path);
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
	if (plan->next_command != NULL && !set_setting(NEXT_COMMAND, plan->next_command, why, size))
		return false;
	if (plan->provider != NULL && !(unset_setting(PROVIDER, why, size) &&
					set_setting(PROVIDER, plan->provider, why, size)))
		return false;
	if (!(plan->place == WIRING_IN_UNITS ? write_units(units_changed, why, size)
					     : remove_units(units_changed, why, size)))
		return false;
	if (!write_drop_in(WIRING_DROP_IN, plan->place == WIRING_IN_DROP_IN, why, size) ||
	    !write_drop_in(WIRING_DROP_IN_FIRST, plan->place == WIRING_IN_DROP_IN_FIRST, why, size))
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
	       write_drop_in(WIRING_DROP_IN, false, why, size) &&
	       write_drop_in(WIRING_DROP_IN_FIRST, false, why, size) && pam_stack_remove(why, size);
}

bool wiring_remove_settings(char *why, size_t size)
{
	return unset_setting(NEXT_COMMAND, why, size) && unset_setting(PROVIDER, why, size);
}
