/* SPDX-License-Identifier: Apache-2.0 */
/* The audit trail: what was requested, by whom, who decided it, and the outcome. */
#include "connectd/store/audit_trail.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>

/* Without this, entries would say that they all come from this file. */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "connectd/store/timestamp.h"
#include "base/cleanup.h"

/* In the order in which they are hashed, which never changes; `time` and `expires` are numbers. The
 * first 12 are hashed even if they are empty. */
#define TEXT_COLUMNS                                                                                \
	"event, caller, user, vm_id, jti, fingerprint, reason, source, request_id, org, token_id, " \
	"decision, command, allowed_source, audit_session, unix_user, sudo_user, instance"
#define ALWAYS_HASHED 12
#define TEXT_COLUMN_COUNT 18
#define HASHED_COLUMNS "id, time, expires, " TEXT_COLUMNS
/* Where the first text is, after id, time and expires */
#define FIRST_TEXT 3
#define HASH_COLUMN (FIRST_TEXT + TEXT_COLUMN_COUNT)

#define NUMBER_SIZE 24

/* Bytes of one line of the log, and of one field of the journal */
#define LOG_MESSAGE_SIZE 4096
#define LOG_FIELD_SIZE 1600

static const char *const text_names[TEXT_COLUMN_COUNT] = {
	"event",   "caller",         "user",          "vm_id",     "jti",       "fingerprint",
	"reason",  "source",         "request_id",    "org",       "token_id",  "decision",
	"command", "allowed_source", "audit_session", "unix_user", "sudo_user", "instance"
};

/* The row's texts in the order of the columns, with room for its number */
static void list_texts(const struct trail_row *row, const char *texts[TEXT_COLUMN_COUNT],
		       char instance[NUMBER_SIZE])
{
	const char *const in_order[TEXT_COLUMN_COUNT] = { row->event,         row->caller,
							  row->user,          row->vm_id,
							  row->jti,           row->fingerprint,
							  row->reason,        row->source,
							  row->request_id,    row->org,
							  row->token_id,      row->decision,
							  row->command,       row->allowed_source,
							  row->audit_session, row->unix_user,
							  row->sudo_user,     instance };

	instance[0] = '\0';
	if (row->instance != 0)
		snprintf(instance, NUMBER_SIZE, "%" PRId64, row->instance);
	for (size_t i = 0; i < TEXT_COLUMN_COUNT; i++)
		texts[i] = in_order[i] == NULL ? "" : in_order[i];
}

/* Data from the network must not be able to forge lines. */
static void make_printable(char *text)
{
	for (; *text != '\0'; text++)
		if (*text < 0x20 || *text > 0x7e)
			*text = '?';
}

/* systemd sets this when stderr goes to the journal (systemd.exec(5)). */
static bool journal_listens(void)
{
	return getenv("JOURNAL_STREAM") != NULL;
}

/* One entry with a field for each column: EXC_EVENT, EXC_CALLER, … */
static void send_to_journal(const char *message, const char *const texts[TEXT_COLUMN_COUNT])
{
	char fields[TEXT_COLUMN_COUNT][LOG_FIELD_SIZE];
	char message_field[sizeof "MESSAGE=" + LOG_MESSAGE_SIZE];
	struct iovec parts[TEXT_COLUMN_COUNT + 3] = {
		{ .iov_base = (void *)"PRIORITY=6", .iov_len = 10 },
		{ .iov_base = (void *)"SYSLOG_IDENTIFIER=exc-connectd", .iov_len = 30 },
	};
	int count = 2;

	snprintf(message_field, sizeof message_field, "MESSAGE=%s", message);
	parts[count].iov_base = message_field;
	parts[count++].iov_len = strlen(message_field);
	for (size_t i = 0; i < TEXT_COLUMN_COUNT; i++) {
		char *field = fields[i];

		if (texts[i][0] == '\0')
			continue;
		snprintf(field, LOG_FIELD_SIZE, "EXC_%s=%s", text_names[i], texts[i]);
		for (char *letter = field; *letter != '=' && *letter != '\0'; letter++)
			*letter = (char)toupper(*letter);
		parts[count].iov_base = field;
		parts[count++].iov_len = strlen(field);
	}
	sd_journal_sendv(parts, count);
}

void trail_log(const struct trail_row *row)
{
	const char *texts[TEXT_COLUMN_COUNT];
	char message[LOG_MESSAGE_SIZE], instance[NUMBER_SIZE];
	size_t length;

	list_texts(row, texts, instance);
	length = (size_t)snprintf(message, sizeof message, "%s", row->event);
	for (size_t i = 1; i < TEXT_COLUMN_COUNT && length < sizeof message; i++)
		if (texts[i][0] != '\0')
			length += (size_t)snprintf(message + length, sizeof message - length,
						   " %s=%s", text_names[i], texts[i]);
	make_printable(message);
	if (journal_listens())
		send_to_journal(message, texts);
	else
		fprintf(stderr, "exc-connectd: %s\n", message);
}

/* Hash a row together with the hash before it. Every value is preceded by its length, so that no
 * two rows look the same. */
static bool hash_row(const char *before, int64_t id, int64_t when, int64_t expires,
		     const char *const texts[TEXT_COLUMN_COUNT], char hash[DIGEST_HEX_SIZE])
{
	_cleanup_free_ char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);

	if (out == NULL)
		return false;
	fprintf(out, "%s %" PRId64 " %" PRId64 " %" PRId64, before, id, when, expires);
	for (size_t i = 0; i < ALWAYS_HASHED; i++)
		fprintf(out, " %zu:%s", strlen(texts[i]), texts[i]);
	for (size_t i = ALWAYS_HASHED; i < TEXT_COLUMN_COUNT; i++)
		if (texts[i][0] != '\0')
			fprintf(out, " %s=%zu:%s", text_names[i], strlen(texts[i]), texts[i]);
	return fclose(out) == 0 && digest_hex(text, length, hash);
}

/* Which row comes next, and the hash that it continues */
static bool read_head(const struct store *store, int64_t *id, char hash[DIGEST_HEX_SIZE])
{
	_cleanup_statement_ sqlite3_stmt *statement =
		store_prepare(store, "SELECT row, hash FROM audit_head", "");

	if (statement == NULL || !store_next(store, statement))
		return false;
	*id = sqlite3_column_int64(statement, 0) + 1;
	snprintf(hash, DIGEST_HEX_SIZE, "%s", store_text(statement, 1));
	return true;
}

static bool append(const struct store *store, const struct trail_row *row)
{
	const char *t[TEXT_COLUMN_COUNT];
	char before[DIGEST_HEX_SIZE], hash[DIGEST_HEX_SIZE], instance[NUMBER_SIZE];
	int64_t id, now = (int64_t)time(NULL);

	list_texts(row, t, instance);
	return read_head(store, &id, before) && hash_row(before, id, now, row->expires, t, hash) &&
	       store_run(store,
			 "INSERT INTO audit(" HASHED_COLUMNS ", hash)"
			 " VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,nullif(?,''),?)",
			 "iii"
			 "tttttttttttttttttt"
			 "t",
			 id, now, row->expires, t[0], t[1], t[2], t[3], t[4], t[5], t[6], t[7],
			 t[8], t[9], t[10], t[11], t[12], t[13], t[14], t[15], t[16], t[17],
			 hash) &&
	       store_run(store, "UPDATE audit_head SET row = ?, hash = ?", "it", id, hash);
}

bool trail_append(const struct store *store, const struct trail_row *row)
{
	if (!trail_store(store, row))
		return false;
	trail_log(row);
	return true;
}

bool trail_store(const struct store *store, const struct trail_row *row)
{
	if (!sqlite3_get_autocommit(store->db))
		return append(store, row);
	return store_begin(store) && store_end(store, append(store, row));
}

static void add_time(cJSON *object, const char *name, int64_t seconds)
{
	char text[API_TIME_SIZE];

	if (seconds == 0)
		return;
	api_time(seconds, text);
	cJSON_AddStringToObject(object, name, text);
}

static void add_text(cJSON *object, const char *name, const char *text)
{
	if (text[0] != '\0')
		cJSON_AddStringToObject(object, name, text);
}

/* The outcome of a grant: columns used_at and used_from come after the hash. */
static void add_status(cJSON *object, sqlite3_stmt *statement, int64_t expires)
{
	const char *used_from = store_text(statement, HASH_COLUMN + 2);
	const char *status = "live";

	if (sqlite3_column_type(statement, HASH_COLUMN + 1) != SQLITE_NULL)
		status = "used";
	else if (expires <= (int64_t)time(NULL))
		status = "expired";
	cJSON_AddStringToObject(object, "status", status);
	add_time(object, "used_at", sqlite3_column_int64(statement, HASH_COLUMN + 1));
	add_text(object, "used_from", used_from);
}

static cJSON *row_as_json(sqlite3_stmt *statement)
{
	cJSON *object = cJSON_CreateObject();
	int64_t expires = sqlite3_column_int64(statement, 2);

	cJSON_AddNumberToObject(object, "id", (double)sqlite3_column_int64(statement, 0));
	add_time(object, "time", sqlite3_column_int64(statement, 1));
	for (int i = 0; i < TEXT_COLUMN_COUNT; i++)
		add_text(object, text_names[i], store_text(statement, FIRST_TEXT + i));
	add_time(object, "expires_at", expires);
	if (strcmp(store_text(statement, FIRST_TEXT), "issued") == 0)
		add_status(object, statement, expires);
	add_text(object, "hash", store_text(statement, HASH_COLUMN));
	return object;
}

/* Which rows: each condition holds if its value is NULL. */
#define FILTERS                                                                                    \
	" AND (?3 IS NULL OR caller = ?3) AND (?4 IS NULL OR user = ?4) AND (?5 IS NULL OR"        \
	" event = ?5) AND (?6 IS NULL OR org = ?6) AND time >= ?7 AND time < ?8 AND audit.id < ?9"
#define NEWEST " ORDER BY audit.id DESC LIMIT ?2"

/* The last rows of `from`, oldest first: a query for each kind, so that it has its index. Only a
 * grant's row has a status; others share only an empty jti. */
#define SELECT_ROWS(from)                                                                          \
	"SELECT " HASHED_COLUMNS ", hash,"                                                         \
	" CASE a.event WHEN 'issued' THEN"                                                         \
	" (SELECT time FROM audit AS u WHERE u.jti = a.jti AND u.event = 'used') END,"             \
	" CASE a.event WHEN 'issued' THEN"                                                         \
	" (SELECT source FROM audit AS u WHERE u.jti = a.jti AND u.event = 'used') END"            \
	" FROM (" from ") AS a ORDER BY id"

static const char all_rows[] = SELECT_ROWS("SELECT * FROM audit WHERE ?1 IS NULL" FILTERS NEWEST);
static const char rows_of_name[] =
	SELECT_ROWS("SELECT * FROM audit WHERE vm_id = ?1" FILTERS NEWEST);
/* Two lists, of which the newest are taken: rows that have the instance, and those from before */
static const char rows_of_instance[] = SELECT_ROWS(
	"SELECT * FROM (SELECT * FROM (SELECT * FROM audit WHERE instance = ?1" FILTERS NEWEST
	") UNION ALL SELECT * FROM (SELECT audit.* FROM audit_early JOIN audit ON audit.id = row"
	" WHERE audit_early.instance = CAST(?1 AS INTEGER) AND ?6 IS NOT NULL"
	" AND (?3 IS NULL OR caller = ?3) AND (?4 IS NULL OR user = ?4) AND (?5 IS NULL OR"
	" event = ?5) AND time >= ?7 AND time < ?8 AND row < ?9 ORDER BY row DESC LIMIT ?2))"
	" ORDER BY id DESC LIMIT ?2");

bool trail_read(const struct store *store, const struct trail_query *query,
		bool (*take)(void *context, cJSON *row), void *context)
{
	_cleanup_statement_ sqlite3_stmt *statement = NULL;
	char instance[NUMBER_SIZE];
	const char *sql = query->vm_id == NULL ? all_rows : rows_of_name, *which = query->vm_id;

	if (query->instance != 0) {
		snprintf(instance, sizeof instance, "%" PRId64, query->instance);
		sql = rows_of_instance;
		which = instance;
	}
	statement = store_prepare(store, sql, "tittttiii", which,
				  query->limit == 0 ? INT64_C(-1) : query->limit, query->principal,
				  query->user, query->event, query->org, query->since,
				  query->until == 0 ? INT64_MAX : query->until,
				  query->before == 0 ? INT64_MAX : query->before);
	while (statement != NULL && store_next(store, statement))
		if (!take(context, row_as_json(statement)))
			return true;
	return statement != NULL && sqlite3_errcode(store->db) == SQLITE_DONE;
}

/* Check one row. False when it was changed. */
static bool verify_row(sqlite3_stmt *statement, struct trail_verdict *verdict)
{
	const char *texts[TEXT_COLUMN_COUNT];
	char hash[DIGEST_HEX_SIZE];

	for (int i = 0; i < TEXT_COLUMN_COUNT; i++)
		texts[i] = store_text(statement, FIRST_TEXT + i);
	if (!hash_row(verdict->head, sqlite3_column_int64(statement, 0),
		      sqlite3_column_int64(statement, 1), sqlite3_column_int64(statement, 2), texts,
		      hash) ||
	    strcmp(hash, store_text(statement, HASH_COLUMN)) != 0)
		return false;
	snprintf(verdict->head, sizeof verdict->head, "%s", hash);
	return true;
}

static bool verify(const struct store *store, const char *head, struct trail_verdict *verdict)
{
	_cleanup_statement_ sqlite3_stmt *statement =
		store_prepare(store, "SELECT " HASHED_COLUMNS ", hash FROM audit ORDER BY id", "");
	char last[DIGEST_HEX_SIZE];
	int64_t next;

	while (statement != NULL && store_next(store, statement)) {
		verdict->rows++;
		/* Only the oldest may have none. */
		if (sqlite3_column_type(statement, HASH_COLUMN) == SQLITE_NULL &&
		    verdict->before + 1 == verdict->rows) {
			verdict->before++;
			continue;
		}
		if (!verify_row(statement, verdict)) {
			verdict->wrong = sqlite3_column_int64(statement, 0);
			return true;
		}
		verdict->has_head |= head != NULL && strcmp(head, verdict->head) == 0;
	}
	if (statement == NULL || sqlite3_errcode(store->db) != SQLITE_DONE)
		return false;
	verdict->cut = !read_head(store, &next, last) || strcmp(last, verdict->head) != 0;
	return true;
}

bool trail_verify(const struct store *store, const char *head, struct trail_verdict *verdict)
{
	bool read;

	memset(verdict, 0, sizeof *verdict);
	/* A consistent view of rows and head, even if others write meanwhile. */
	if (!store_run(store, "BEGIN", ""))
		return false;
	read = verify(store, head, verdict);
	store_run(store, "COMMIT", "");
	return read;
}
