/* SPDX-License-Identifier: Apache-2.0 */
/* audit: show the trail, export all of it, and find out whether someone has changed it. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connectd/commands.h"
#include "connectd/store/audit_trail.h"
#include "connectd/store/timestamp.h"
#include "base/json.h"
#include "base/printable.h"

/* Exit status of `audit verify` when the trail was changed */
#define EXIT_CHANGED 1

/* Leave out members that repeat others, or mean nothing to people */
static bool is_for_people(const cJSON *member)
{
	static const char *const others[] = { "id", "time", "event", "hash", "instance" };

	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		if (strcmp(member->string, others[i]) == 0)
			return false;
	return cJSON_IsString(member);
}

static bool print_row(void *context, cJSON *row)
{
	_cleanup_json_ cJSON *owned = row;
	const cJSON *member;

	(void)context;
	printable_put(stdout, json_string(row, "time"));
	putchar(' ');
	printable_put(stdout, json_string(row, "event"));
	cJSON_ArrayForEach(member, row)
	{
		if (is_for_people(member))
			command_print_field(member->string, member->valuestring);
	}
	return putchar('\n') == '\n';
}

static bool collect_row(void *context, cJSON *row)
{
	return cJSON_AddItemToArray(context, row);
}

static bool take_time(int *argc, char **argv, const char *option, int64_t *seconds)
{
	const char *text = command_take_option(argc, argv, option);

	return text == NULL || api_time_read(text, seconds);
}

/* Take the options that choose rows. False when one has no valid value. */
static bool take_filters(int *argc, char **argv, struct trail_query *query)
{
	query->vm_id = command_take_option(argc, argv, "--instance");
	query->org = command_take_option(argc, argv, "--org");
	query->principal = command_take_option(argc, argv, "--principal");
	query->user = command_take_option(argc, argv, "--user");
	query->event = command_take_option(argc, argv, "--event");
	return take_time(argc, argv, "--since", &query->since) &&
	       take_time(argc, argv, "--until", &query->until);
}

#define FILTERS                                                                                    \
	"--instance VM_ID, --org ORG, --principal NAME, --user USER, --event EVENT, --since TIME " \
	"and --until TIME, such as 2026-11-25T03:00:47Z"

static int show(const struct store *store, int argc, char **argv)
{
	const char *limit = command_take_option(&argc, argv, "--limit");
	const char *before = command_take_option(&argc, argv, "--before");
	struct trail_query query = { .limit = limit == NULL ? TRAIL_LIMIT_DEFAULT : atoll(limit),
				     .before = before == NULL ? 0 : atoll(before) };
	_cleanup_json_ cJSON *rows = cJSON_CreateArray();
	bool json, good = take_filters(&argc, argv, &query);

	if (!good || !command_takes_json(argc, argv, &json) || query.limit < 1 ||
	    query.limit > TRAIL_LIMIT_MAX || (before != NULL && query.before < 1))
		return usage_error("audit takes --json, --limit N from 1 to 100000, --before ID "
				   "of a row, " FILTERS);
	if (!trail_read(store, &query, json ? collect_row : print_row, rows))
		return EXIT_FAILURE;
	return json ? command_print_json(cJSON_Duplicate(rows, true)) : EXIT_SUCCESS;
}

/* One row in a line, so that a trail of any length can be streamed */
static bool export_row(void *context, cJSON *row)
{
	_cleanup_json_ cJSON *owned = row;
	_cleanup_free_ char *text = cJSON_PrintUnformatted(owned);

	(void)context;
	if (text == NULL)
		return false;
	printable_put_json(stdout, text);
	return putchar('\n') == '\n';
}

static int export(const struct store *store, int argc, char **argv)
{
	struct trail_query query = { 0 };
	bool json, good = take_filters(&argc, argv, &query);

	if (!good || !command_takes_json(argc, argv, &json))
		return usage_error("audit export takes --json, " FILTERS);
	return trail_read(store, &query, json ? export_row : print_row, NULL) && fflush(stdout) == 0
		       ? EXIT_SUCCESS
		       : EXIT_FAILURE;
}

static int say_changed(const struct trail_verdict *verdict)
{
	if (verdict->wrong != 0)
		command_fail("row %lld was changed, or the row before it was removed; the "
			     "%lld rows before are unchanged",
			     (long long)verdict->wrong, (long long)verdict->rows - 1);
	else
		command_fail("rows were removed at the end; the last remaining one has the hash %s",
			     verdict->head);
	return EXIT_CHANGED;
}

static int verify(const struct store *store, int argc, char **argv)
{
	const char *head = command_take_option(&argc, argv, "--head");
	struct trail_verdict verdict;

	if (argc != 0)
		return usage_error(
			"audit verify takes --head HASH, which an earlier run has printed");
	if (!trail_verify(store, head, &verdict))
		return command_fail("cannot read the trail");
	if (verdict.wrong != 0 || verdict.cut)
		return say_changed(&verdict);
	if (head != NULL && !verdict.has_head) {
		command_fail("no row has the hash %.64s: the trail was rewritten since", head);
		return EXIT_CHANGED;
	}
	/* Nothing tells an old trail from one whose hashes were cleared. */
	if (head == NULL && verdict.rows > 0 && verdict.before == verdict.rows) {
		command_fail("none of the %lld rows has a hash, so that a change would not show: "
			     "unless they are from a version without hashes, they were cleared",
			     (long long)verdict.rows);
		return EXIT_CHANGED;
	}
	printf("%lld rows, unchanged; head %s\n", (long long)verdict.rows, verdict.head);
	if (verdict.before > 0)
		printf("(%lld of them are older than the hashes)\n", (long long)verdict.before);
	return EXIT_SUCCESS;
}

int audit_main(int argc, char **argv, const struct connectd_config *config)
{
	static const struct verb verbs[] = { { "show", show },
					     { "export", export },
					     { "verify", verify } };
	/* `audit` alone means `audit show`. */
	static char name[] = "show";
	char *arguments[COMMAND_ARGUMENTS_MAX];

	if (argc > 0 && argv[0][0] != '-')
		return command_run_verb(argc, argv, config, verbs, sizeof verbs / sizeof verbs[0],
					"audit needs show, export or verify");
	if (argc + 1 > COMMAND_ARGUMENTS_MAX)
		return usage_error("too many arguments");
	arguments[0] = name;
	memcpy(arguments + 1, argv, (size_t)argc * sizeof *argv);
	return command_run_verb(argc + 1, arguments, config, verbs, sizeof verbs / sizeof verbs[0],
				"");
}
