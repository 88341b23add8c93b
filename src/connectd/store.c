/* SPDX-License-Identifier: Apache-2.0 */
/* The control plane's database: open it, and run statements with bound values. */
#include "connectd/store.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

/* What brings a database from version N to N + 1; 0 is an empty one. Never change one that was
 * released: append. */
static const char *const migrations[] = {
	/* 0 */
	"CREATE TABLE instances(vm_id TEXT PRIMARY KEY, address TEXT NOT NULL UNIQUE,"
	" host TEXT NOT NULL, port INTEGER NOT NULL, host_keys TEXT NOT NULL);"
	"CREATE TABLE tokens(name TEXT PRIMARY KEY, hash TEXT NOT NULL UNIQUE, created INTEGER NOT NULL);"
	/* vm_id is no foreign key: '*' means every instance, and a right may come before its
	   instance */
	"CREATE TABLE rights(name TEXT NOT NULL REFERENCES tokens(name) ON DELETE CASCADE,"
	" vm_id TEXT NOT NULL, PRIMARY KEY(name, vm_id));"
	"CREATE TABLE grants(jti TEXT PRIMARY KEY, vm_id TEXT NOT NULL, user TEXT NOT NULL,"
	" fingerprint TEXT NOT NULL, caller TEXT NOT NULL, request_id TEXT NOT NULL,"
	" expires INTEGER NOT NULL, jws TEXT NOT NULL, served_at INTEGER, used_at INTEGER);"
	"CREATE INDEX grants_live ON grants(vm_id, user, expires);"
	"CREATE INDEX grants_expired ON grants(expires);"
	"CREATE TABLE sessions(id_hash TEXT PRIMARY KEY, jti TEXT NOT NULL, vm_id TEXT NOT NULL,"
	" user TEXT NOT NULL, expires INTEGER NOT NULL);"
	"CREATE INDEX sessions_expired ON sessions(expires);"
	"CREATE TABLE audit(id INTEGER PRIMARY KEY, time INTEGER NOT NULL, event TEXT NOT NULL,"
	" caller TEXT, user TEXT, vm_id TEXT, jti TEXT, fingerprint TEXT, reason TEXT, source TEXT,"
	" request_id TEXT);",
	/* 1: what guests say of themselves, beside what the operator says of them */
	"ALTER TABLE instances ADD COLUMN guest_host_keys TEXT;",
};
#define SCHEMA_VERSION ((int)(sizeof migrations / sizeof migrations[0]))

static int schema_version(const struct store *store)
{
	_cleanup_statement_ sqlite3_stmt *statement =
		store_prepare(store, "PRAGMA user_version", "");

	return statement != NULL && store_next(store, statement) ? sqlite3_column_int(statement, 0)
								 : -1;
}

/* One step, whole or not at all; another process that came first has done it. */
static bool migrate(const struct store *store, int version)
{
	char set_version[64];

	if (sqlite3_exec(store->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
		return false;
	snprintf(set_version, sizeof set_version, "PRAGMA user_version = %d", version + 1);
	if (schema_version(store) == version &&
	    (sqlite3_exec(store->db, migrations[version], NULL, NULL, NULL) != SQLITE_OK ||
	     sqlite3_exec(store->db, set_version, NULL, NULL, NULL) != SQLITE_OK)) {
		sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
		return false;
	}
	return sqlite3_exec(store->db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK;
}

static bool make_schema(const struct store *store, char *error, size_t size)
{
	int version = schema_version(store);

	while (version >= 0 && version < SCHEMA_VERSION && migrate(store, version))
		version = schema_version(store);
	if (version == SCHEMA_VERSION)
		return true;
	if (version > SCHEMA_VERSION)
		snprintf(error, size,
			 "the database was written by a newer exc-connectd; upgrade this one");
	else
		snprintf(error, size, "not an exc-connectd database: %s",
			 sqlite3_errmsg(store->db));
	return false;
}

bool store_open(struct store *store, const char *path, bool create, char *error, size_t size)
{
	/* Made here, because SQLite would make it as readable as the umask lets it. */
	int fd = create ? open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600) : -1;

	if (fd >= 0)
		close(fd);
	store->db = NULL;
	if (sqlite3_open_v2(path, &store->db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK) {
		snprintf(error, size, "%s: %s; %s", path, sqlite3_errmsg(store->db),
			 create ? "does its folder exist?" : "run: exc-connectd init");
		store_close(store);
		return false;
	}
	sqlite3_busy_timeout(store->db, STORE_BUSY_MS);
	/* FULL: an audit row that was answered for is on the disk, whatever happens to the power.
	 */
	if (sqlite3_exec(store->db,
			 "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON",
			 NULL, NULL, NULL) == SQLITE_OK &&
	    make_schema(store, error, size))
		return true;
	if (error[0] == '\0')
		snprintf(error, size, "%s: %s", path, sqlite3_errmsg(store->db));
	store_close(store);
	return false;
}

void store_close(struct store *store)
{
	sqlite3_close(store->db);
	store->db = NULL;
}

static sqlite3_stmt *prepare(const struct store *store, const char *sql, const char *types,
			     va_list values)
{
	sqlite3_stmt *statement = NULL;
	int result = sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL);

	for (int i = 0; result == SQLITE_OK && types[i] != '\0'; i++) {
		if (types[i] == 't')
			result = sqlite3_bind_text(statement, i + 1, va_arg(values, const char *),
						   -1, SQLITE_TRANSIENT);
		else
			result = sqlite3_bind_int64(statement, i + 1, va_arg(values, int64_t));
	}
	if (result == SQLITE_OK)
		return statement;
	fprintf(stderr, "exc-connectd: database: %s\n", sqlite3_errmsg(store->db));
	sqlite3_finalize(statement);
	return NULL;
}

sqlite3_stmt *store_prepare(const struct store *store, const char *sql, const char *types, ...)
{
	sqlite3_stmt *statement;
	va_list values;

	va_start(values, types);
	statement = prepare(store, sql, types, values);
	va_end(values);
	return statement;
}

bool store_run(const struct store *store, const char *sql, const char *types, ...)
{
	_cleanup_statement_ sqlite3_stmt *statement = NULL;
	va_list values;

	va_start(values, types);
	statement = prepare(store, sql, types, values);
	va_end(values);
	if (statement == NULL)
		return false;
	if (sqlite3_step(statement) == SQLITE_DONE)
		return true;
	fprintf(stderr, "exc-connectd: database: %s\n", sqlite3_errmsg(store->db));
	return false;
}

bool store_next(const struct store *store, sqlite3_stmt *statement)
{
	int result = sqlite3_step(statement);

	if (result != SQLITE_ROW && result != SQLITE_DONE)
		fprintf(stderr, "exc-connectd: database: %s\n", sqlite3_errmsg(store->db));
	return result == SQLITE_ROW;
}

const char *store_text(sqlite3_stmt *statement, int column)
{
	const unsigned char *text = sqlite3_column_text(statement, column);

	return text == NULL ? "" : (const char *)text;
}
