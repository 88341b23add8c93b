/* SPDX-License-Identifier: Apache-2.0 */
/* sshd: wire the machine's sshd to the agent and the module, and undo that. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/commands.h"
#include "agent/config/config.h"
#include "agent/wiring/pam_proof.h"
#include "agent/wiring/pam_stack.h"
#include "ledger/paths.h"
#include "agent/wiring/sshd_before.h"
#include "agent/wiring/sshd_plan.h"
#include "agent/wiring/sshd_service.h"
#include "agent/wiring/sshd_status.h"
#include "agent/wiring/wiring.h"

/* Have sshd run with the old files, and start it if it exited. False, with `why`. */
static bool bring_back(const struct sshd_before *before, bool units_changed, char *why, size_t size)
{
	char where[SSHD_ADDRESS_SIZE];

	if (sshd_running_is_alive(&before->running) &&
	    sshd_service_reload(&before->running, units_changed, why, size) &&
	    (!before->answers || sshd_service_stays(&before->running, &before->effective, where)))
		return true;
	/* Its supervisor may be faster. */
	if (before->running.unit == NULL && before->answers &&
	    !sshd_running_is_alive(&before->running) &&
	    sshd_service_stays(&before->running, &before->effective, where))
		return true;
	if (!sshd_service_start(&before->running, &before->sshd, why, size))
		return false;
	if (!before->answers || sshd_service_stays(&before->running, &before->effective, where))
		return true;
	snprintf(why, size, "it does not answer at %s", where);
	return false;
}

/* Restore all files, and have sshd read them. */
static int roll_back(const struct sshd_before *before, bool units_changed, const char *what,
		     const char *why)
{
	const struct sshd_running *running = &before->running;
	const char *unit = running->unit != NULL ? running->unit : running->socket_unit;
	char worse[SSHD_WHY_SIZE] = "";
	bool restored;

	sshd_command_fail(what, why);
	/* pam-auth-update keeps its own record of these files. */
	if (pam_stack_has_module() && !before->wiring.pam)
		pam_stack_remove(worse, sizeof worse);
	else if (!pam_stack_has_module() && before->wiring.pam)
		pam_stack_add(worse, sizeof worse);
	restored = file_backup_restore(&before->backup, worse, sizeof worse);
	if (!restored)
		sshd_command_fail("not everything could be put back", worse);
	if (units_changed)
		sshd_service_read_units(worse, sizeof worse);
	if (restored)
		fputs("exc-instance-connect: everything was put back as it was\n", stderr);
	worse[0] = '\0';
	if (!bring_back(before, units_changed, worse, sizeof worse)) {
		sshd_command_fail(
			"SSHD DOES NOT ANSWER AS IT DID BEFORE, AND COULD NOT BE STARTED AGAIN",
			worse);
		fprintf(stderr, "Keep this session open, and start sshd by hand: %s%s\n",
			unit == NULL ? SSHD_PROGRAM : "systemctl restart ",
			unit == NULL ? "" : unit);
	}
	return EXIT_FAILURE;
}

/* Have sshd load the files that were written, or restore the old ones. */
static int switch_over(const struct sshd_before *before, bool units_changed)
{
	char why[SSHD_WHY_SIZE] = "", where[SSHD_ADDRESS_SIZE] = "";
	struct sshd sshd;

	sshd_find(&sshd);
	if (!sshd_test(&sshd, why, sizeof why))
		return roll_back(before, units_changed, "sshd rejects the new configuration", why);
	if (!sshd_service_reload(&before->running, units_changed, why, sizeof why))
		return roll_back(before, units_changed, "sshd could not be reloaded", why);
	if (before->answers && !sshd_service_stays(&before->running, &before->effective, where)) {
		snprintf(why, sizeof why, "sshd did not answer after the reload, at %s", where);
		return roll_back(before, units_changed, why, "");
	}
	return EXIT_SUCCESS;
}

/* Report which edit keeps `verb` from changing anything. */
static int fail_pending(const struct sshd_before *before, const char *verb)
{
	fprintf(stderr,
		"exc-instance-connect: %s, and nothing was changed: %s sshd yourself, then run: "
		"exc-instance-connect sshd %s\n",
		before->edit, before->running.has_pid_file ? "reload or restart" : "restart", verb);
	return EXIT_FAILURE;
}

/* Will PAM run a module, and can this sshd tell it the key? False, with `why`. */
static bool pam_is_usable(const struct sshd_effective *effective, char *why, size_t size)
{
	char use_pam[SSHD_VALUE_SIZE];

	sshd_value(effective, "usepam", use_pam);
	if (strcmp(use_pam, "yes") != 0)
		snprintf(why, size, "sshd has UsePAM no");
	else if (!pam_proof_sshd_is_new(effective, why, size))
		return false;
	else if (access(PAM_STACK_FILE, R_OK) != 0)
		file_say_errno(why, size, PAM_STACK_FILE);
	else
		return true;
	return false;
}

/* Did nothing else change? Nobody's way in may depend on it. */
static bool changed_nothing_else(const struct sshd_before *before, char *why, size_t size)
{
	struct sshd sshd;

	sshd_find(&sshd);
	return sshd_views_same(&before->views, &sshd, why, size);
}

/* sshd uses the first value that it reads: a line before ours would win. */
static bool took_effect(const struct wiring_plan *plan, char *why, size_t size)
{
	struct sshd_effective after;
	char command[SSHD_VALUE_SIZE], detail[PROBLEM_DETAIL_SIZE] = "";
	struct config config;
	struct sshd sshd;

	sshd_find(&sshd);
	if (!sshd_ask(&sshd, NULL, &after, why, size))
		return false;
	sshd_value(&after, "authorizedkeyscommand", command);
	if (!sshd_command_is_ours(command)) {
		snprintf(why, size, "sshd still runs %.128s", command);
		return false;
	}
	if (plan->next_command == NULL && plan->provider == NULL)
		return true;
	if (!config_load(&config, CONFIG_FILE, detail))
		snprintf(why, size, CONFIG_FILE " is not valid with the added line: %.256s",
			 detail);
	else if (plan->next_command != NULL && strcmp(config.next_command, plan->next_command) != 0)
		/* inih takes " ;" for the start of a comment. */
		snprintf(why, size, CONFIG_FILE " cannot hold that command");
	else if (plan->provider != NULL &&
		 strcmp(config_provider_name(config.provider), plan->provider) != 0)
		snprintf(why, size, CONFIG_FILE " names another provider");
	else
		return true;
	return false;
}

/* A Match block keeps its command, and its users do not get one-time keys. */
static void say_other(const struct sshd_other *other)
{
	printf("A Match block has another AuthorizedKeysCommand for some users, such as %s; it stays:\n"
	       "    %s (as %s)\n"
	       "One-time keys do not log in as these users; see exc-instance-connect(1), MATCH BLOCKS.\n",
	       other->user, other->command, other->command_user);
}

/* `without_module` is why the module is not relied on. */
static void say_enabled(const struct sshd_before *before, const struct wiring_plan *plan,
			const char *without_module)
{
	char detail[PROBLEM_DETAIL_SIZE];
	struct sshd_other other;
	struct config config;
	struct sshd sshd;

	config_load(&config, CONFIG_FILE, detail);
	puts("sshd asks exc-instance-connect about keys that are not in authorized_keys.");
	if (plan->provider != NULL)
		printf("The agent gets keys from %s.\n", plan->provider);
	if (config.single_use == SINGLE_USE_NO)
		puts("A key works until it expires (single_use in exc-instance-connect.conf(5)).");
	else if (plan->module != NULL)
		puts("PAM spends a one-time key when its session opens.");
	else
		printf("A one-time key is bound to the first connection that offers it, without PAM's module:\n"
		       "    %s\n",
		       without_module);
	if (plan->next_command != NULL)
		printf("Then the agent runs what sshd asked before, as " WIRING_COMMAND_USER
		       ":\n    %s\n",
		       plan->next_command);
	if (!before->answers)
		puts("sshd did not answer before, so the new configuration was not tested with it.");
	sshd_find(&sshd);
	if (sshd_find_other(&sshd, WIRING_COMMAND, &other))
		say_other(&other);
	if (before->asks_agent && plan->next_command == NULL &&
	    sshd_plan_has_other_command(before, true))
		sshd_print_never_run(before->command, before->command_user);
	if (sshd_permits_tunnels(&sshd, &before->effective))
		puts("WARNING: sshd has PermitTunnel switched on. Before OpenSSH 10.5, a one-time key of root's\n"
		     "whose port forwarding is forbidden can still open a tunnel. Set PermitTunnel no in\n" SSHD_CONFIG
		     ", and reload sshd.");
}

static int enable(const struct sshd_enable *options)
{
	struct wiring_plan plan = { .place = WIRING_NOWHERE };
	char why[SSHD_WHY_SIZE] = "", without[SSHD_WHY_SIZE] = "", module[PAM_STACK_PATH_SIZE];
	bool units_changed = false;
	struct sshd_before before;
	int status = EXIT_FAILURE;

	if (!sshd_before_look(&before))
		return EXIT_FAILURE;
	if (pam_is_usable(&before.effective, why, sizeof why) &&
	    pam_stack_find_module(module, why, sizeof why))
		plan.module = module;
	else
		snprintf(without, sizeof without, "%s", why);
	if (before.pending)
		fail_pending(&before, "enable");
	else if (!sshd_before_look_without_ours(&before, why, sizeof why))
		sshd_command_fail(
			"nothing was changed, as sshd's configuration without our files is unknown",
			why);
	else if (!sshd_plan_make(&before, options, &plan))
		; /* reported already */
	else if (!wiring_write(&plan, &units_changed, why, sizeof why) ||
		 (units_changed && !sshd_service_read_units(why, sizeof why)) ||
		 !took_effect(&plan, why, sizeof why) ||
		 !changed_nothing_else(&before, why, sizeof why))
		status = roll_back(&before, units_changed, "sshd could not be wired", why);
	else
		status = switch_over(&before, units_changed);
	if (status == EXIT_SUCCESS && plan.module != NULL &&
	    !pam_proof_for_sshd(&before.effective, without, sizeof without))
		plan.module = NULL;
	if (status == EXIT_SUCCESS)
		say_enabled(&before, &plan, without);
	sshd_before_forget(&before);
	return status;
}

/* If sshd is gone there is nothing to test or reload; if it comes back, it must not ask an agent
 * that has been removed meanwhile. */
static int disable_without_sshd(void)
{
	bool units_changed = false;
	char why[SSHD_WHY_SIZE] = "";

	if (!wiring_remove(&units_changed, why, sizeof why) ||
	    !wiring_remove_settings(why, sizeof why) ||
	    (units_changed && !sshd_service_read_units(why, sizeof why)))
		return sshd_command_fail("the wiring could not be removed", why);
	puts("There is no " SSHD_PROGRAM "; its wiring to exc-instance-connect was removed.");
	return EXIT_SUCCESS;
}

/* A reload would load someone else's edit, and may end sshd. Until then sshd asks the agent, and a
 * missing agent locks nobody out, unless it runs another program's command. */
static int disable_without_reload(const struct sshd_before *before)
{
	bool units_changed = false;
	char why[SSHD_WHY_SIZE] = "", detail[PROBLEM_DETAIL_SIZE];
	struct config config;

	if (!config_load(&config, CONFIG_FILE, detail) || config.next_command[0] != '\0')
		return fail_pending(before, "disable");
	if (!wiring_remove(&units_changed, why, sizeof why) ||
	    !wiring_remove_settings(why, sizeof why) ||
	    (units_changed && !sshd_service_read_units(why, sizeof why)) ||
	    !changed_nothing_else(before, why, sizeof why)) {
		sshd_command_fail("the wiring could not be removed", why);
		if (!file_backup_restore(&before->backup, why, sizeof why))
			sshd_command_fail("not everything could be put back", why);
		return EXIT_FAILURE;
	}
	printf("sshd was not reloaded, because %s.\n"
	       "Its wiring was removed; sshd asks exc-instance-connect until it is reloaded or restarted.\n",
	       before->edit);
	return EXIT_SUCCESS;
}

static int disable(void)
{
	bool units_changed = false;
	char why[SSHD_WHY_SIZE] = "";
	struct sshd_before before;
	int status;

	if (geteuid() == 0 && access(SSHD_PROGRAM, X_OK) != 0)
		return disable_without_sshd();
	if (!sshd_before_look(&before))
		return EXIT_FAILURE;
	/* Not knowing what there is to compare with keeps nobody from removing us. */
	sshd_before_look_without_ours(&before, why, sizeof why);
	if (before.pending) {
		status = disable_without_reload(&before);
		sshd_before_forget(&before);
		return status;
	}
	if (!wiring_remove(&units_changed, why, sizeof why) ||
	    (units_changed && !sshd_service_read_units(why, sizeof why)) ||
	    !changed_nothing_else(&before, why, sizeof why))
		status = roll_back(&before, units_changed, "the wiring could not be removed", why);
	else
		status = switch_over(&before, units_changed);
	sshd_before_forget(&before);
	if (status != EXIT_SUCCESS)
		return status;
	/* Only now: it was needed while sshd asked the agent. */
	if (!wiring_remove_settings(why, sizeof why))
		return sshd_command_fail("what was added to agent.conf could not be removed", why);
	puts("sshd no longer asks exc-instance-connect.");
	return EXIT_SUCCESS;
}

/* --chain, --drop-root with it, and --provider NAME, each once at most. */
static bool read_enable(int argc, char **argv, struct sshd_enable *options)
{
	*options = (struct sshd_enable){ 0 };
	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--chain") == 0 && !options->chain)
			options->chain = true;
		else if (strcmp(argv[i], "--drop-root") == 0 && !options->drop_root)
			options->drop_root = true;
		else if (strcmp(argv[i], "--provider") == 0 && i + 1 < argc &&
			 options->provider == NULL)
			options->provider = argv[++i];
		else
			return false;
	}
	return options->chain || !options->drop_root;
}

int sshd_main(int argc, char **argv, const char *config_path)
{
	const char *verb = argc > 0 ? argv[0] : "";
	const char *option = argc == 2 ? argv[1] : NULL;
	struct sshd_enable options;

	if (strcmp(verb, "enable") == 0 && read_enable(argc - 1, argv + 1, &options))
		return enable(&options);
	if (argc == 1 && strcmp(verb, "disable") == 0)
		return disable();
	if (argc <= 2 && strcmp(verb, "status") == 0 &&
	    (option == NULL || strcmp(option, "--json") == 0))
		return sshd_status(option != NULL, config_path);
	fputs("Usage: exc-instance-connect sshd enable [--chain [--drop-root]] [--provider NAME] | disable | status [--json]\n",
	      stderr);
	return EXIT_USAGE;
}
