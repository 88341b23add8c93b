/* SPDX-License-Identifier: Apache-2.0 */
/* Show how sshd is wired, for `sshd status`. */
#include "agent/wiring/sshd_status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "agent/config/config.h"
#include "agent/wiring/pam_proof.h"
#include "agent/wiring/sshd_config.h"
#include "agent/wiring/sshd_service.h"
#include "agent/wiring/sshd_without_ours.h"
#include "agent/wiring/wiring.h"
#include "base/json.h"

#define WHY_SIZE 512

/* What to report. */
struct report {
	struct wiring_state files;
	struct sshd sshd;
	bool valid; /* sshd -t */
	bool answers;
	bool enabled; /* sshd asks the agent */
	bool has_other; /* a Match block has another command */
	enum sshd_origin origin; /* of sshd's command */
	struct sshd_other other;
	struct sshd_hidden hidden; /* by our files */
	char why_unknown[WHY_SIZE]; /* why that is not known */
	char command[SSHD_VALUE_SIZE], user[SSHD_VALUE_SIZE];
	char next_command[CONFIG_VALUE_SIZE];
	const char *provider; /* where the agent gets keys from */
	bool is_single_use;
	char why[WHY_SIZE]; /* what is wrong with the configuration */
	bool spends; /* the module surely spends keys */
	char why_not[WHY_SIZE]; /* otherwise */
};

static void look(struct report *report, const char *config_path)
{
	char detail[PROBLEM_DETAIL_SIZE];
	struct sshd_effective effective;
	struct sshd_running running;
	struct config config;

	memset(report, 0, sizeof *report);
	wiring_look(&report->files);
	config_load(&config, config_path, detail);
	report->provider = config_provider_name(config.provider);
	report->is_single_use = config.single_use != SINGLE_USE_NO;
	snprintf(report->next_command, sizeof report->next_command, "%s", config.next_command);
	sshd_find(&report->sshd);
	report->valid = sshd_test(&report->sshd, report->why, sizeof report->why) &&
			sshd_ask(&report->sshd, NULL, &effective, report->why, sizeof report->why);
	if (!report->valid)
		return;
	report->spends = pam_proof_for_sshd(&effective, report->why_not, sizeof report->why_not);
	report->files.pam_wired = report->spends;
	sshd_value(&effective, "authorizedkeyscommand", report->command);
	sshd_value(&effective, "authorizedkeyscommanduser", report->user);
	sshd_service_look(&effective, &running);
	report->origin = sshd_service_command_origin(&report->sshd, &running);
	/* The running process's command line wins over the files. */
	report->enabled =
		sshd_command_is_ours(report->command) && report->origin != SSHD_ORIGIN_PROCESS;
	report->has_other = sshd_find_other(&report->sshd, report->command, &report->other);
	sshd_find_hidden(&effective, report->next_command, &report->hidden, report->why_unknown,
			 sizeof report->why_unknown);
	report->answers = sshd_service_answers(&running);
}

static void add_hidden(cJSON *object, const char *name, const struct sshd_hidden_command *hidden)
{
	cJSON *added;

	if (!hidden->is_hidden)
		return;
	added = cJSON_AddObjectToObject(object, name);
	cJSON_AddStringToObject(added, "command", hidden->command);
	cJSON_AddStringToObject(added, "user", hidden->user);
}

static void print_json(const struct report *report)
{
	_cleanup_json_ cJSON *object = cJSON_CreateObject();
	_cleanup_free_ char *text = NULL;
	cJSON *other;

	cJSON_AddBoolToObject(object, "enabled", report->enabled);
	cJSON_AddBoolToObject(object, "sshd_config_valid", report->valid);
	cJSON_AddBoolToObject(object, "sshd_answers", report->answers);
	cJSON_AddStringToObject(object, "authorized_keys_command", report->command);
	cJSON_AddStringToObject(object, "authorized_keys_command_user", report->user);
	cJSON_AddBoolToObject(object, "drop_in", report->files.place != WIRING_NOWHERE);
	cJSON_AddStringToObject(object, "written_to", wiring_place_name(report->files.place));
	cJSON_AddBoolToObject(object, "pam_module", report->files.pam);
	cJSON_AddBoolToObject(object, "pam_wired", report->files.pam_wired);
	cJSON_AddStringToObject(object, "provider", report->provider);
	cJSON_AddBoolToObject(object, "single_use", report->is_single_use);
	cJSON_AddStringToObject(object, "next_command", report->next_command);
	if (report->has_other) {
		other = cJSON_AddObjectToObject(object, "match_block");
		cJSON_AddStringToObject(other, "user", report->other.user);
		cJSON_AddStringToObject(other, "authorized_keys_command", report->other.command);
		cJSON_AddStringToObject(other, "authorized_keys_command_user",
					report->other.command_user);
	}
	add_hidden(object, "hidden_command", &report->hidden.keys);
	cJSON_AddBoolToObject(object, "next_command_is_stale", report->hidden.has_stale_chain);
	add_hidden(object, "hidden_principals_command", &report->hidden.principals);
	text = cJSON_Print(object);
	if (text != NULL)
		puts(text);
}

void sshd_print_never_run(const char *command, const char *user)
{
	printf("sshd never runs the AuthorizedKeysCommand of another program, because ours comes first:\n"
	       "    %s (as %s)\n"
	       "To have both, run: exc-instance-connect sshd enable --chain\n",
	       command, user);
}

/* What our files keep from taking effect. */
static void print_hidden(const struct report *report)
{
	const struct sshd_hidden *hidden = &report->hidden;

	if (hidden->keys.is_hidden)
		sshd_print_never_run(hidden->keys.command, hidden->keys.user);
	if (hidden->has_stale_chain)
		puts("sshd's files no longer have that command. To stop it, run:\n    " SSHD_UNCHAIN);
	if (hidden->principals.is_hidden)
		printf("WRONG: sshd's AuthorizedPrincipalsCommand is: %s\n"
		       "Without our files it would be: %s (as %s)\n"
		       "Make it the same with: exc-instance-connect sshd enable\n",
		       hidden->principals.instead, hidden->principals.command,
		       hidden->principals.user);
	if (report->why_unknown[0] != '\0')
		printf("What sshd would do without our files is unknown: %s\n",
		       report->why_unknown);
}

/* Which program sshd asks. */
static void print_command(const struct report *report)
{
	const bool none = sshd_command_is_none(report->command);
	const char *whose = none                                    ? "nobody"
			    : sshd_command_is_ours(report->command) ? "exc-instance-connect"
								    : report->command;

	printf("About keys that are not in authorized_keys, sshd asks %s%s%s.\n", whose,
	       none ? "" : ", as ", none ? "" : report->user);
	if (report->origin == SSHD_ORIGIN_PROCESS)
		puts("WRONG: the running sshd was started with another AuthorizedKeysCommand on its\n"
		     "command line, and uses that one.");
	if (report->next_command[0] != '\0')
		printf("The agent then runs: %s\n", report->next_command);
	if (report->has_other)
		printf("For %s, a Match block asks instead: %s (as %s)\n", report->other.user,
		       report->other.command, report->other.command_user);
	print_hidden(report);
}

static void print_words(const struct report *report)
{
	if (report->valid)
		print_command(report);
	else
		printf("sshd's configuration is broken: %s\n", report->why);
	if (report->files.place == WIRING_NOWHERE)
		puts("sshd's settings are not in any of our files.");
	else
		printf("sshd's settings are in %s.\n", wiring_place_name(report->files.place));
	printf("PAM %s the module for sshd.\n", report->files.pam ? "has" : "does not have");
	printf("The agent gets keys from %s, and %s.\n", report->provider,
	       !report->is_single_use ? "they work until they expire"
	       : report->spends       ? "relies on the module to spend them"
				      : "binds each to the first connection that offers it");
	if (report->is_single_use && !report->spends && report->why_not[0] != '\0')
		printf("It does not rely on the module, because %s.\n", report->why_not);
	if (report->valid)
		printf("sshd %s on this machine.\n",
		       report->answers ? "answers" : "does not answer");
	if (report->valid && !report->enabled)
		puts("Switch it on with: exc-instance-connect sshd enable");
}

int sshd_status(bool json, const char *config_path)
{
	struct report report;

	if (geteuid() != 0) {
		fputs("exc-instance-connect: sshd shows its configuration only to root: try sudo\n",
		      stderr);
		return EXIT_FAILURE;
	}
	look(&report, config_path);
	if (json)
		print_json(&report);
	else
		print_words(&report);
	return report.enabled ? EXIT_SUCCESS : EXIT_FAILURE;
}
