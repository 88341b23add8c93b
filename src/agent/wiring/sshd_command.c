/* SPDX-License-Identifier: Apache-2.0 */
/* sshd: wire the machine's sshd to the agent and the module, and undo that. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/commands.h"
#include "agent/wiring/chain_check.h"
#include "agent/config/config.h"
#include "agent/wiring/pam_proof.h"
#include "agent/wiring/pam_stack.h"
#include "ledger/paths.h"
#include "agent/wiring/sshd_compare.h"
#include "agent/wiring/sshd_config.h"
#include "agent/wiring/sshd_pending.h"
#include "agent/wiring/sshd_running.h"
#include "agent/wiring/sshd_service.h"
#include "agent/wiring/sshd_status.h"
#include "agent/wiring/sshd_without_ours.h"
#include "agent/wiring/wiring.h"

#define WHY_SIZE 512

/* The options of `sshd enable`. */
struct enable {
	bool chain;
	const char *provider; /* or NULL */
};

/* The machine as it is before anything is changed. */
struct before {
	struct sshd sshd;
	struct sshd_effective effective;
	struct wiring_state wiring;
	bool asks_agent; /* sshd does */
	/* The AuthorizedKeysCommand, and what else there is, without our files */
	struct sshd_without_ours without;
	struct sshd_views views;
	char command[SSHD_VALUE_SIZE], command_user[SSHD_VALUE_SIZE];
	char principals_command[SSHD_VALUE_SIZE], principals_user[SSHD_VALUE_SIZE];
	enum sshd_origin origin; /* of the command */
	struct sshd_running running;
	bool answers; /* sshd does, on this machine */
	bool pending; /* an edit that a reload would load */
	char edit[WHY_SIZE]; /* the edit, in words */
	struct file_backup backup;
};

static int fail(const char *what, const char *why)
{
	fprintf(stderr, "exc-instance-connect: %s%s%s\n", what, why[0] == '\0' ? "" : ": ", why);
	return EXIT_FAILURE;
}

/* Have sshd run with the old files, and start it if it exited. False, with `why`. */
static bool bring_back(const struct before *before, bool units_changed, char *why, size_t size)
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
static int roll_back(const struct before *before, bool units_changed, const char *what,
		     const char *why)
{
	const struct sshd_running *running = &before->running;
	const char *unit = running->unit != NULL ? running->unit : running->socket_unit;
	char worse[WHY_SIZE] = "";
	bool restored;

	fail(what, why);
	/* pam-auth-update keeps its own record of these files. */
	if (pam_stack_has_module() && !before->wiring.pam)
		pam_stack_remove(worse, sizeof worse);
	else if (!pam_stack_has_module() && before->wiring.pam)
		pam_stack_add(worse, sizeof worse);
	restored = file_backup_restore(&before->backup, worse, sizeof worse);
	if (!restored)
		fail("not everything could be put back", worse);
	if (units_changed)
		sshd_service_read_units(worse, sizeof worse);
	if (restored)
		fputs("exc-instance-connect: everything was put back as it was\n", stderr);
	worse[0] = '\0';
	if (!bring_back(before, units_changed, worse, sizeof worse)) {
		fail("SSHD DOES NOT ANSWER AS IT DID BEFORE, AND COULD NOT BE STARTED AGAIN",
		     worse);
		fprintf(stderr, "Keep this session open, and start sshd by hand: %s%s\n",
			unit == NULL ? SSHD_PROGRAM : "systemctl restart ",
			unit == NULL ? "" : unit);
	}
	return EXIT_FAILURE;
}

/* Have sshd load the files that were written, or restore the old ones. */
static int switch_over(const struct before *before, bool units_changed)
{
	char why[WHY_SIZE] = "", where[SSHD_ADDRESS_SIZE] = "";
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

/* Ask for the configuration as it is without our files. False, with `why`. */
static bool look_without_ours(struct before *before, char *why, size_t size)
{
	struct sshd_effective effective;

	if (!sshd_without_ours_make(&before->without, why, size) ||
	    !sshd_ask(&before->without.sshd, NULL, &effective, why, size) ||
	    !sshd_views_ask(&before->without.sshd, &before->views, why, size))
		return false;
	sshd_value(&effective, "authorizedkeyscommand", before->command);
	sshd_value(&effective, "authorizedkeyscommanduser", before->command_user);
	sshd_value(&effective, "authorizedprincipalscommand", before->principals_command);
	sshd_value(&effective, "authorizedprincipalscommanduser", before->principals_user);
	return true;
}

static void forget(struct before *before)
{
	sshd_without_ours_forget(&before->without);
	sshd_views_forget(&before->views);
	file_backup_forget(&before->backup);
}

/* Inspect the machine. False, after reporting why, if nothing may be changed: something is already
 * broken, or this is not root. On true, the caller forgets it. */
static bool look_before(struct before *before)
{
	char why[WHY_SIZE] = "", command[SSHD_VALUE_SIZE];

	before->without.directory[0] = '\0';
	before->views.count = 0;

	if (geteuid() != 0) {
		fail("this changes sshd's configuration and needs root", "try sudo");
		return false;
	}
	if (access(SSHD_PROGRAM, X_OK) != 0) {
		fail("there is no " SSHD_PROGRAM, "install openssh-server first");
		return false;
	}
	sshd_find(&before->sshd);
	if (!sshd_test(&before->sshd, why, sizeof why) ||
	    !sshd_ask(&before->sshd, NULL, &before->effective, why, sizeof why)) {
		fail("sshd's configuration is already broken, and nothing was changed; fix it first",
		     why);
		return false;
	}
	sshd_service_look(&before->effective, &before->running);
	before->answers = sshd_service_answers(&before->running);
	/* It keeps using those that it has loaded, until a reload. */
	if (!before->effective.has_host_keys &&
	    (before->answers || sshd_running_is_alive(&before->running))) {
		fail("sshd is running but its host keys are gone, and nothing was changed",
		     "make new ones first, with: ssh-keygen -A");
		return false;
	}
	wiring_look(&before->wiring);
	sshd_value(&before->effective, "authorizedkeyscommand", command);
	before->asks_agent = sshd_command_is_ours(command);
	before->origin = sshd_service_command_origin(&before->sshd, &before->running);
	before->pending = sshd_pending(&before->sshd, &before->effective, &before->running,
				       before->edit, sizeof before->edit);
	if (wiring_save(&before->backup, why, sizeof why))
		return true;
	fail("nothing was changed", why);
	return false;
}

/* Report which edit keeps `verb` from changing anything. */
static int fail_pending(const struct before *before, const char *verb)
{
	fprintf(stderr,
		"exc-instance-connect: %s, and nothing was changed: %s sshd yourself, then run: "
		"exc-instance-connect sshd %s\n",
		before->edit, before->running.has_pid_file ? "reload or restart" : "restart", verb);
	return EXIT_FAILURE;
}

/* Report which AuthorizedKeysCommand keeps ours out. */
static void say_whose(const struct before *before)
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

/* Make the other command our next command. False, after reporting why not. */
static bool plan_chain(const struct before *before, struct wiring_plan *plan)
{
	char why[WHY_SIZE] = "";
	struct config config;
	bool replaces;

	if (!config_load(&config, CONFIG_FILE, why)) {
		fail("nothing was changed, because " CONFIG_FILE " has an error", why);
		return false;
	}
	replaces = strcmp(config.next_command, before->command) != 0;
	if (config.next_command[0] != '\0' && replaces && !wiring_has_next_command()) {
		fail("nothing was changed, because " CONFIG_FILE
		     " already has another next_command",
		     config.next_command);
		return false;
	}
	if (!chain_is_safe(before->command, before->command_user, config.timeout_ms, why,
			   sizeof why)) {
		say_whose(before);
		fail("it cannot be run after the agent, as " WIRING_COMMAND_USER, why);
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
	char why[WHY_SIZE] = "";
	struct config config;

	if (!config_provider_named(name, &provider)) {
		config_provider_names(why, sizeof why);
		fail("unknown provider, choose one of", why);
		return false;
	}
	if (!config_load(&config, CONFIG_FILE, why)) {
		fail("nothing was changed, because " CONFIG_FILE " has an error", why);
		return false;
	}
	if (config.provider != provider)
		plan->provider = name;
	return true;
}

/* Where our two settings must be to take effect. */
static enum wiring_place choose_place(const struct before *before, bool other)
{
	if (!other && before->wiring.place != WIRING_NOWHERE)
		return before->wiring.place;
	if (!sshd_includes_drop_ins() || (other && before->origin == SSHD_ORIGIN_UNIT))
		return WIRING_IN_UNITS;
	return other ? WIRING_IN_DROP_IN_FIRST : WIRING_IN_DROP_IN;
}

/* Does sshd have another AuthorizedKeysCommand that ours would have to replace? One that sshd does
 * not run already, as it asks the agent, may stay as it is. */
static bool has_other_command(const struct before *before, bool chain)
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
static bool plan_principals(struct before *before, struct wiring_plan *plan)
{
	char why[WHY_SIZE] = "", command[SSHD_VALUE_SIZE];
	struct sshd_effective effective;
	bool asked;

	if (sshd_command_is_none(before->principals_command))
		return true;
	before->without.sshd.asks_agent = true;
	asked = sshd_ask(&before->without.sshd, NULL, &effective, why, sizeof why);
	before->without.sshd.asks_agent = false;
	if (!asked) {
		fail("sshd rejects our settings, and nothing was changed", why);
		return false;
	}
	sshd_value(&effective, "authorizedprincipalscommand", command);
	if (strcmp(command, before->principals_command) == 0)
		return true;
	if (strlen(before->principals_command) == sizeof before->principals_command - 1) {
		fail("nothing was changed, because this sshd needs a copy of its AuthorizedPrincipalsCommand",
		     "which is too long to be copied");
		return false;
	}
	plan->principals_command = before->principals_command;
	plan->principals_user = before->principals_user;
	return true;
}

/* Decide what to write. False, after reporting why nothing will be written. */
static bool make_plan(struct before *before, const struct enable *options, struct wiring_plan *plan)
{
	const bool other = has_other_command(before, options->chain);

	if (options->provider != NULL && !plan_provider(options->provider, plan))
		return false;
	if (other && !options->chain) {
		say_whose(before);
		fputs("To have both, one-time keys first and then that command:\n"
		      "    exc-instance-connect sshd enable --chain\n",
		      stderr);
		return false;
	}
	if (!other && before->origin == SSHD_ORIGIN_PROCESS) {
		fail("the running sshd was started with an AuthorizedKeysCommand on its command line, "
		     "and nothing was changed",
		     "put that into " SSHD_CONFIG " instead, and restart sshd");
		return false;
	}
	if ((other && !plan_chain(before, plan)) || !plan_principals(before, plan))
		return false;
	plan->place = choose_place(before, other);
	if (plan->place != WIRING_IN_UNITS ||
	    (before->sshd.unit != NULL && (sshd_running_has_systemd() || !before->answers)))
		return true;
	fail(SSHD_CONFIG " does not include " SSHD_DROP_IN_DIR
			 "/*.conf, and sshd is not run by systemd",
	     "add the two lines from exc-instance-connect(1) to it by hand");
	return false;
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
static bool changed_nothing_else(const struct before *before, char *why, size_t size)
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
static void say_enabled(const struct before *before, const struct wiring_plan *plan,
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
	if (before->asks_agent && plan->next_command == NULL && has_other_command(before, true))
		sshd_print_never_run(before->command, before->command_user);
	if (sshd_permits_tunnels(&sshd, &before->effective))
		puts("WARNING: sshd has PermitTunnel switched on. Before OpenSSH 10.5, a one-time key of root's\n"
		     "whose port forwarding is forbidden can still open a tunnel. Set PermitTunnel no in\n" SSHD_CONFIG
		     ", and reload sshd.");
}

static int enable(const struct enable *options)
{
	struct wiring_plan plan = { .place = WIRING_NOWHERE };
	char why[WHY_SIZE] = "", without[WHY_SIZE] = "", module[PAM_STACK_PATH_SIZE];
	bool units_changed = false;
	struct before before;
	int status = EXIT_FAILURE;

	if (!look_before(&before))
		return EXIT_FAILURE;
	if (pam_is_usable(&before.effective, why, sizeof why) &&
	    pam_stack_find_module(module, why, sizeof why))
		plan.module = module;
	else
		snprintf(without, sizeof without, "%s", why);
	if (before.pending)
		fail_pending(&before, "enable");
	else if (!look_without_ours(&before, why, sizeof why))
		fail("nothing was changed, as sshd's configuration without our files is unknown",
		     why);
	else if (!make_plan(&before, options, &plan))
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
	forget(&before);
	return status;
}

/* If sshd is gone there is nothing to test or reload; if it comes back, it must not ask an agent
 * that has been removed meanwhile. */
static int disable_without_sshd(void)
{
	bool units_changed = false;
	char why[WHY_SIZE] = "";

	if (!wiring_remove(&units_changed, why, sizeof why) ||
	    !wiring_remove_settings(why, sizeof why) ||
	    (units_changed && !sshd_service_read_units(why, sizeof why)))
		return fail("the wiring could not be removed", why);
	puts("There is no " SSHD_PROGRAM "; its wiring to exc-instance-connect was removed.");
	return EXIT_SUCCESS;
}

/* A reload would load someone else's edit, and may end sshd. Until then sshd asks the agent, and a
 * missing agent locks nobody out, unless it runs another program's command. */
static int disable_without_reload(const struct before *before)
{
	bool units_changed = false;
	char why[WHY_SIZE] = "", detail[PROBLEM_DETAIL_SIZE];
	struct config config;

	if (!config_load(&config, CONFIG_FILE, detail) || config.next_command[0] != '\0')
		return fail_pending(before, "disable");
	if (!wiring_remove(&units_changed, why, sizeof why) ||
	    !wiring_remove_settings(why, sizeof why) ||
	    (units_changed && !sshd_service_read_units(why, sizeof why)) ||
	    !changed_nothing_else(before, why, sizeof why)) {
		fail("the wiring could not be removed", why);
		if (!file_backup_restore(&before->backup, why, sizeof why))
			fail("not everything could be put back", why);
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
	char why[WHY_SIZE] = "";
	struct before before;
	int status;

	if (geteuid() == 0 && access(SSHD_PROGRAM, X_OK) != 0)
		return disable_without_sshd();
	if (!look_before(&before))
		return EXIT_FAILURE;
	/* Not knowing what there is to compare with keeps nobody from removing us. */
	look_without_ours(&before, why, sizeof why);
	if (before.pending) {
		status = disable_without_reload(&before);
		forget(&before);
		return status;
	}
	if (!wiring_remove(&units_changed, why, sizeof why) ||
	    (units_changed && !sshd_service_read_units(why, sizeof why)) ||
	    !changed_nothing_else(&before, why, sizeof why))
		status = roll_back(&before, units_changed, "the wiring could not be removed", why);
	else
		status = switch_over(&before, units_changed);
	forget(&before);
	if (status != EXIT_SUCCESS)
		return status;
	/* Only now: it was needed while sshd asked the agent. */
	if (!wiring_remove_settings(why, sizeof why))
		return fail("what was added to agent.conf could not be removed", why);
	puts("sshd no longer asks exc-instance-connect.");
	return EXIT_SUCCESS;
}

/* --chain and --provider NAME, each once at most. */
static bool read_enable(int argc, char **argv, struct enable *options)
{
	*options = (struct enable){ 0 };
	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--chain") == 0 && !options->chain)
			options->chain = true;
		else if (strcmp(argv[i], "--provider") == 0 && i + 1 < argc &&
			 options->provider == NULL)
			options->provider = argv[++i];
		else
			return false;
	}
	return true;
}

int sshd_main(int argc, char **argv, const char *config_path)
{
	const char *verb = argc > 0 ? argv[0] : "";
	const char *option = argc == 2 ? argv[1] : NULL;
	struct enable options;

	if (strcmp(verb, "enable") == 0 && read_enable(argc - 1, argv + 1, &options))
		return enable(&options);
	if (argc == 1 && strcmp(verb, "disable") == 0)
		return disable();
	if (argc <= 2 && strcmp(verb, "status") == 0 &&
	    (option == NULL || strcmp(option, "--json") == 0))
		return sshd_status(option != NULL, config_path);
	fputs("Usage: exc-instance-connect sshd enable [--chain] [--provider NAME] | disable | status [--json]\n",
	      stderr);
	return EXIT_USAGE;
}
