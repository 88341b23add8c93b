/* SPDX-License-Identifier: Apache-2.0 */
/* exc compute connect-log: who asked for and used keys on a VM. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/api/api.h"
#include "cli/commands.h"
#include "cli/terminal/options.h"
#include "cli/terminal/print.h"
#include "cli/terminal/say.h"
#include "cli/api/session.h"
#include "base/number.h"

#define LIMIT_DEFAULT "20"
/* As many as one answer has room for: see JSON_VALUES_MAX */
#define LIMIT_MAX 100

static bool is_changed_host_key(const cJSON *event)
{
	const char *name = json_string(event, "event"), *reason = json_string(event, "reason");

	return name != NULL && reason != NULL && strcmp(name, "host_keys") == 0 &&
	       strcmp(reason, "changed") == 0;
}

static void print_event(const cJSON *event)
{
	const char *status = json_string(event, "status"), *reason = json_string(event, "reason");

	print_column(20, json_string(event, "time"));
	print_column(9, json_string(event, "event"));
	print_column(8, status);
	print_column(20, json_string(event, "principal"));
	print_column(10, json_string(event, "user"));
	print_column(15, json_string(event, "source"));
	if (json_string(event, "used_at") != NULL) {
		print_column(7, "used at");
		print_column(0, json_string(event, "used_at"));
		print_column(4, "from");
		print_column(0, json_string(event, "used_from"));
	}
	print_column(0, is_changed_host_key(event) ? "HOST KEYS CHANGED" : reason);
	putchar('\n');
}

static void print_events(const cJSON *answer)
{
	const cJSON *event;
	unsigned int changes = 0;

	print_column(20, "TIME");
	print_column(9, "EVENT");
	print_column(8, "STATUS");
	print_column(20, "PRINCIPAL");
	print_column(10, "USER");
	print_column(15, "SOURCE");
	puts("REASON");
	cJSON_ArrayForEach(event, json_member(answer, "events"))
	{
		print_event(event);
		changes += is_changed_host_key(event);
	}
	fflush(stdout); /* the warning comes last, also in a pipe */
	if (changes > 0)
		say("WARNING: the VM's host keys changed: if it was not rebuilt, someone may be "
		    "intercepting your logins; compare them on its console");
}

static int ask(const struct account *account, const char *vm_id, unsigned int limit, bool json)
{
	_cleanup_answer_ struct api_answer answer = { 0 };
	char path[API_PATH_SIZE];
	const struct api_request request = { .path = path };

	snprintf(path, sizeof path, "/compute/instance/%s/connect/events?limit=%u", vm_id, limit);
	if (!api_call(account, &request, &answer)) {
		api_say_failure(account, &answer);
		return EXIT_EXC_FAILED;
	}
	if (json)
		print_json(answer.json);
	else
		print_events(answer.json);
	return EXIT_SUCCESS;
}

int log_main(int argc, char **argv)
{
	struct account_options from = { 0 };
	const char *vm_id = NULL, *limit_text = LIMIT_DEFAULT;
	bool json = false;
	const struct option list[] = {
		{ "vm-id", "ID", "the VM", &vm_id, NULL },
		{ "limit", "N", "show the last N events, 1 to 100; default: " LIMIT_DEFAULT,
		  &limit_text, NULL },
		{ "json", NULL, "print JSON", NULL, &json },
		ACCOUNT_OPTIONS(from),
	};
	const struct options options = {
		.command = "compute connect-log",
		.summary = "Show who asked for keys to a VM, and which were used.",
		OPTIONS_LIST(list),
	};
	struct account account;
	char why[SAY_SIZE], **rest;
	int status = EXIT_EXC_FAILED;
	unsigned int limit;

	if (!options_read(&options, argc, argv, &rest, &status))
		return status;
	if (vm_id == NULL || !vm_id_is_valid(vm_id)) {
		say("--vm-id is missing, or not the id of a VM");
		return EXIT_EXC_FAILED;
	}
	if (!number_parse(limit_text, 1, LIMIT_MAX, &limit)) {
		say("--limit must be a number from 1 to %d", LIMIT_MAX);
		return EXIT_EXC_FAILED;
	}
	if (account_load(&from, &account, why, sizeof why))
		status = ask(&account, vm_id, limit, json);
	else
		say("%s", why);
	account_forget(&account);
	return status;
}
