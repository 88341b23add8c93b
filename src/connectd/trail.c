/* SPDX-License-Identifier: Apache-2.0 */
/* The audit trail: what was asked for, by whom, and what became of it. */
#include "connectd/trail.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "grant/json.h"

#define COLUMNS "event, caller, user, vm_id, jti, fingerprint, reason, source, request_id"
#define COLUMN_COUNT 9

static const char *const column_names[COLUMN_COUNT] = { "event",  "caller", "user",
							"vm_id",  "jti",    "fingerprint",
							"reason", "source", "request_id" };

static void log_field(const char *name, const char *value)
{
	if (value == NULL || value[0] == '\0')
		return;
	fprintf(stderr, " %s=", name);
	/* What came over the network must not write lines of its own. */
	for (; *value != '\0'; value++)
		fputc(*value < 0x20 || *value > 0x7e ? '?' : *value, stderr);
}

/* The row's values in the order of the columns. */
static void list_values(const struct trail_row *row, const char *values[COLUMN_COUNT])
{
	values[0] = row->event;
	values[1] = row->caller;
	values[2] = row->user;
	values[3] = row->vm_id;
	values[4] = row->jti;
	values[5] = row->fingerprint;
	values[6] = row->reason;
	values[7] = row->source;
	values[8] = row->request_id;
}

void trail_log(const struct trail_row *row)
{
	const char *values[COLUMN_COUNT];

	list_values(row, values);
	fprintf(stderr, "exc-connectd: %s", row->event);
	for (int i = 1; i < COLUMN_COUNT; i++)
		log_field(column_names[i], values[i]);
	fputc('\n', stderr);
}

bool trail_append(const struct store *store, const struct trail_row *row)
{
	const char *values[COLUMN_COUNT];

	list_values(row, values);
	trail_log(row);
	return store_run(store, "INSERT INTO audit(time, " COLUMNS ") VALUES(?,?,?,?,?,?,?,?,?,?)",
			 "ittttttttt", (int64_t)time(NULL), values[0], values[1], values[2],
			 values[3], values[4], values[5], values[6], values[7], values[8]);
}

static void print_time(sqlite3_stmt *statement, char *out, size_t size)
{
	time_t when = (time_t)sqlite3_column_int64(statement, 0);
	struct tm utc;

	gmtime_r(&when, &utc);
	strftime(out, size, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

static void print_row(sqlite3_stmt *statement)
{
	char when[32];

	print_time(statement, when, sizeof when);
	printf("%s %-7s", when, store_text(statement, 1));
	for (int i = 1; i < COLUMN_COUNT; i++)
		if (store_text(statement, i + 1)[0] != '\0')
			printf(" %s=%s", column_names[i], store_text(statement, i + 1));
	putchar('\n');
}

static void add_row(cJSON *array, sqlite3_stmt *statement)
{
	cJSON *object = cJSON_CreateObject();
	char when[32];

	print_time(statement, when, sizeof when);
	cJSON_AddStringToObject(object, "time", when);
	for (int i = 0; i < COLUMN_COUNT; i++)
		if (store_text(statement, i + 1)[0] != '\0')
			cJSON_AddStringToObject(object, column_names[i],
						store_text(statement, i + 1));
	cJSON_AddItemToArray(array, object);
}

bool trail_print(const struct store *store, int64_t limit, bool json)
{
	_cleanup_json_ cJSON *array = json ? cJSON_CreateArray() : NULL;
	_cleanup_statement_ sqlite3_stmt *statement =
		store_prepare(store,
			      "SELECT time, " COLUMNS " FROM (SELECT * FROM audit ORDER BY id DESC"
			      " LIMIT ?) ORDER BY id",
			      "i", limit);
	_cleanup_free_ char *text = NULL;

	if (statement == NULL)
		return false;
	while (store_next(store, statement)) {
		if (json)
			add_row(array, statement);
		else
			print_row(statement);
	}
	if (!json)
		return true;
	text = cJSON_Print(array);
	return text != NULL && puts(text) >= 0;
}
