/* SPDX-License-Identifier: Apache-2.0 */
/* Decide what `sshd enable` writes. */
#include "agent/wiring/sshd_plan.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "agent/config/config.h"
#include "agent/wiring/chain_check.h"
#include "ledger/paths.h"

/* Report which AuthorizedKeysCommand keeps ours out. */
static void say_whose(const struct sshd_before *before)
{
	fprintf(stderr,
		"exc-instance-connect: sshd has another AuthorizedKeysCommand, and nothing was changed:\n"
		"    %s (as %s)\n",
		before->command, before->command_user);
	if (before->origin == SSHD_ORIGIN_UNIT)
		fprintf(stderr, "It is on sshd's command line; see: systemctl cat %s\n",
			before->sshd.unit);
	else
		fputs("Find it with: grep -ri AuthorizedKeysCommand " SSHD_CONFIG
		      " " SSHD_DROP_IN_DIR "\n",
		      stderr);
}

/* What a command of root's loses: the agent is never root. */
#define LOST                                                                                       \
	"the agent would run it as " WIRING_COMMAND_USER                                           \
	", which may not read or do what only root may. If it needs none of that:\n"               \
	"    exc-instance-connect sshd enable --chain --drop-root"

static bool runs_as_root(const struct sshd_before *before)
{
	const struct passwd *user = getpwnam(before->command_user);

	/* A name that cannot be looked up may be root's. With tokens it is not chained at all. */
	return user == NULL ? strchr(before->command_user, '%') == NULL : user->pw_uid == 0;
}

/* Make the other command our next command. False, after reporting why not. */
static bool plan_chain(const struct sshd_before *before, bool drop_root, struct wiring_plan *plan)
{
	char why[SSHD_WHY_SIZE] = "";
	struct config config;
	bool replaces;

	if (!config_load(&config, CONFIG_FILE, why)) {
		sshd_command_fail("nothing was changed, because " CONFIG_FILE " has an error", why);
		return false;
	}
	replaces = strcmp(config.next_command, before->command) != 0;
	if (config.next_command[0] != '\0' && replaces && !wiring_has_next_command()) {
		sshd_command_fail("nothing was changed, because " CONFIG_FILE
				  " already has another next_command",
				  config.next_command);
		return false;
	}
	if (runs_as_root(before) && !drop_root) {
		say_whose(before);
		sshd_command_fail("nothing was changed, because that command runs as root", LOST);
		return false;
	}
	if (!chain_is_safe(before->command, before->command_user, why, sizeof why)) {
		say_whose(before);
		sshd_command_fail("it cannot be run after the agent, as " WIRING_COMMAND_USER, why);
		return false;
	}
	if (replaces)
		plan->next_command = before->command;
	return true;
}

/* Have agent.conf name the provider. False, after reporting why not. */
static bool plan_provider(const char *name, struct wiring_plan *plan)
{
	enum config_provider provider;
	char why[SSHD_WHY_SIZE] = "";
	struct config config;

	if (!config_provider_named(name, &provider)) {
		config_provider_names(why, sizeof why);
		sshd_command_fail("unknown provider, choose one of", why);
		return false;
	}
	if (!config_load(&config, CONFIG_FILE, why)) {
		sshd_command_fail("nothing was changed, because " CONFIG_FILE " has an error", why);
		return false;
	}
	if (config.provider != provider)
		plan->provider = name;
	return true;
}

/* Where our two settings must be to take effect. */
static enum wiring_place choose_place(const struct sshd_before *before, bool other)
{
	if (!other && before->wiring.place != WIRING_NOWHERE)
		return before->wiring.place;
	if (!sshd_includes_drop_ins() || (other && before->origin == SSHD_ORIGIN_UNIT))
		return WIRING_IN_UNITS;
	return other ? WIRING_IN_DROP_IN_FIRST : WIRING_IN_DROP_IN;
}

bool sshd_plan_has_other_command(const struct sshd_before *before, bool chain)
{
	char detail[PROBLEM_DETAIL_SIZE];
	struct config config;

	if (sshd_command_is_none(before->command) || sshd_command_is_ours(before->command))
		return false;
	if (!before->asks_agent)
		return true;
	return chain && (!config_load(&config, CONFIG_FILE, detail) ||
			 strcmp(config.next_command, before->command) != 0);
}

/* Copy the AuthorizedPrincipalsCommand if this sshd would ignore it after our settings. False,
 * after reporting why that is not known. */
static bool plan_principals(struct sshd_before *before, struct wiring_plan *plan)
{
	char why[SSHD_WHY_SIZE] = "", command[SSHD_VALUE_SIZE];
	struct sshd_effective effective;
	bool asked;

	if (sshd_command_is_none(before->principals_command))
		return true;
	before->without.sshd.asks_agent = true;
	asked = sshd_ask(&before->without.sshd, NULL, &effective, why, sizeof why);
	before->without.sshd.asks_agent = false;
	if (!asked) {
		sshd_command_fail("sshd rejects our settings, and nothing was changed", why);
		return false;
	}
	sshd_value(&effective, "authorizedprincipalscommand", command);
	if (strcmp(command, before->principals_command) == 0)
		return true;
	if (strlen(before->principals_command) == sizeof before->principals_command - 1) {
		sshd_command_fail(
			"nothing was changed, because this sshd needs a copy of its AuthorizedPrincipalsCommand",
			"which is too long to be copied");
		return false;
	}
	plan->principals_command = before->principals_command;
	plan->principals_user = before->principals_user;
	return true;
}

bool sshd_plan_make(struct sshd_before *before, const struct sshd_enable *options,
		    struct wiring_plan *plan)
{
	const bool other = sshd_plan_has_other_command(before, options->chain);

	if (options->provider != NULL && !plan_provider(options->provider, plan))
		return false;
	if (other && !options->chain) {
		say_whose(before);
		if (runs_as_root(before))
			fputs("To have both, " LOST "\n", stderr);
		else
			fputs("To have both, one-time keys and that command:\n"
			      "    exc-instance-connect sshd enable --chain\n",
			      stderr);
		return false;
	}
	if (!other && before->origin == SSHD_ORIGIN_PROCESS) {
		sshd_command_fail(
			"the running sshd was started with an AuthorizedKeysCommand on its command line, "
			"and nothing was changed",
			"put that into " SSHD_CONFIG " instead, and restart sshd");
		return false;
	}
	if ((other && !plan_chain(before, options->drop_root, plan)) ||
	    !plan_principals(before, plan))
		return false;
	plan->place = choose_place(before, other);
	if (plan->place != WIRING_IN_UNITS ||
	    (before->sshd.unit != NULL && (sshd_running_has_systemd() || !before->answers)))
		return true;
	sshd_command_fail(SSHD_CONFIG " does not include " SSHD_DROP_IN_DIR
				      "/*.conf, and sshd is not run by systemd",
			  "add the two lines from exc-instance-connect(1) to it by hand");
	return false;
}
