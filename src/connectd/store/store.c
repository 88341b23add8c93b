/* SPDX-License-Identifier: Apache-2.0 */
/* The control plane's database: open it, and run statements with bound values. */
#include "connectd/store/store.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "connectd/store/owned_file.h"

/* Each brings a database from version N to N + 1; 0 is an empty one. Never change a released one:
 * append. */
static const char *const migrations[] = {
	/* 0 */
	"CREATE TABLE instances(vm_id TEXT PRIMARY KEY, address TEXT NOT NULL UNIQUE,"
	" host TEXT NOT NULL, port INTEGER NOT NULL, host_keys TEXT NOT NULL);"
	"CREATE TABLE tokens(name TEXT PRIMARY KEY, hash TEXT NOT NULL UNIQUE, created INTEGER NOT NULL);"
	/* vm_id is not a foreign key: '*' means every instance, and a right may precede its
	 * instance */
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
	/* 1: what guests report, beside the operator's values */
	"ALTER TABLE instances ADD COLUMN guest_host_keys TEXT;",
	/* 2: organisations, principals, policies; a token's list of instances becomes a policy */
	"CREATE TABLE orgs(name TEXT PRIMARY KEY, created INTEGER NOT NULL);"
	"INSERT INTO orgs VALUES('default', CAST(strftime('%s','now') AS INTEGER));"
	"CREATE TABLE principals(name TEXT PRIMARY KEY, org TEXT NOT NULL REFERENCES orgs(name),"
	" created INTEGER NOT NULL);"
	"CREATE TABLE api_tokens(id TEXT PRIMARY KEY, principal TEXT NOT NULL"
	" REFERENCES principals(name) ON DELETE CASCADE, hash TEXT NOT NULL UNIQUE,"
	" created INTEGER NOT NULL, expires INTEGER, revoked INTEGER);"
	/* org NULL: for all organisations; managed: for every principal, bound or not */
	"CREATE TABLE policies(name TEXT PRIMARY KEY, org TEXT REFERENCES orgs(name),"
	" managed INTEGER NOT NULL DEFAULT 0, document TEXT NOT NULL, created INTEGER NOT NULL);"
	"CREATE TABLE bindings(policy TEXT NOT NULL REFERENCES policies(name) ON DELETE CASCADE,"
	" principal TEXT NOT NULL REFERENCES principals(name) ON DELETE CASCADE,"
	" PRIMARY KEY(policy, principal));"
	"INSERT INTO policies VALUES('Admin', NULL, 0, '{\"Version\":\"2012-10-17\",\"Statements\":["
	"{\"Sid\":\"Everything\",\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}]}',"
	" CAST(strftime('%s','now') AS INTEGER));"
	"INSERT INTO principals SELECT name, 'default', created FROM tokens;"
	"INSERT INTO api_tokens SELECT 'tok_' || lower(hex(randomblob(8))), name, hash, created, NULL, NULL"
	" FROM tokens;"
	"INSERT INTO policies SELECT 'instances:' || name, 'default', 0,"
	" json_object('Version', '2012-10-17', 'Statements', json_array(json_object('Sid', 'Instances',"
	" 'Effect', 'Allow', 'Action', json_array('compute:instance:connect', 'compute:instance:console',"
	" 'compute:instance:audit'), 'Resource', json_group_array('exc:compute:instance/' || vm_id)))),"
	" CAST(strftime('%s','now') AS INTEGER) FROM rights GROUP BY name;"
	"INSERT INTO bindings SELECT DISTINCT 'instances:' || name, name FROM rights;"
	"DROP TABLE rights; DROP TABLE tokens;",
	/* 3: more about instances */
	"ALTER TABLE instances ADD COLUMN name TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE instances ADD COLUMN org TEXT NOT NULL DEFAULT 'default';"
	"ALTER TABLE instances ADD COLUMN users TEXT NOT NULL DEFAULT '[]';"
	"ALTER TABLE instances ADD COLUMN console TEXT NOT NULL DEFAULT '';"
	/* when the guest reported other host keys, unless it was marked as rebuilt */
	"ALTER TABLE instances ADD COLUMN host_keys_changed INTEGER;",
	/* 4: an audit trail that reveals changes; older rows have no hash */
	"ALTER TABLE audit ADD COLUMN org TEXT;"
	"ALTER TABLE audit ADD COLUMN token_id TEXT;"
	"ALTER TABLE audit ADD COLUMN decision TEXT;"
	"ALTER TABLE audit ADD COLUMN expires INTEGER;"
	"ALTER TABLE audit ADD COLUMN hash TEXT;"
	"CREATE INDEX audit_by_instance ON audit(vm_id, id);"
	"CREATE INDEX audit_by_jti ON audit(jti);"
	"CREATE TABLE audit_head(id INTEGER PRIMARY KEY CHECK(id = 1), row INTEGER NOT NULL,"
	" hash TEXT NOT NULL);"
	"INSERT INTO audit_head SELECT 1, ifnull(max(id), 0), '' FROM audit;"
	"CREATE TRIGGER audit_is_kept BEFORE DELETE ON audit BEGIN"
	" SELECT RAISE(ABORT, 'the audit trail is append-only'); END;"
	"CREATE TRIGGER audit_is_as_it_was BEFORE UPDATE ON audit BEGIN"
	" SELECT RAISE(ABORT, 'the audit trail is append-only'); END;",
	/* 5: retries: which requests got their grant */
	"CREATE TABLE idempotency(principal TEXT NOT NULL, key TEXT NOT NULL, request_hash TEXT NOT NULL,"
	" jti TEXT NOT NULL, expires INTEGER NOT NULL, PRIMARY KEY(principal, key));"
	"CREATE INDEX idempotency_expired ON idempotency(expires);",
	/* 6: when a socket took the session */
	"ALTER TABLE sessions ADD COLUMN taken INTEGER;",
	/* 7: more about a row, hashed where it is there, so that older rows keep their hashes */
	"ALTER TABLE audit ADD COLUMN command TEXT;"
	"ALTER TABLE audit ADD COLUMN allowed_source TEXT;"
	"ALTER TABLE audit ADD COLUMN audit_session TEXT;"
	"ALTER TABLE audit ADD COLUMN unix_user TEXT;"
	"ALTER TABLE audit ADD COLUMN sudo_user TEXT;"
	"ALTER TABLE grants ADD COLUMN command TEXT;"
	"ALTER TABLE grants ADD COLUMN allowed_source TEXT;",
	/* 8: an id for each instance that no other ever has, and whose row it is. instance_ids
	 * keeps all of them. */
	"CREATE TABLE instance_ids(id INTEGER PRIMARY KEY AUTOINCREMENT, vm_id TEXT NOT NULL,"
	" org TEXT NOT NULL, created INTEGER NOT NULL);"
	"INSERT INTO instance_ids(vm_id, org, created) SELECT vm_id, org,"
	" CAST(strftime('%s','now') AS INTEGER) FROM instances ORDER BY vm_id;"
	"ALTER TABLE instances ADD COLUMN id INTEGER;"
	"UPDATE instances SET id = (SELECT id FROM instance_ids AS i WHERE i.vm_id = instances.vm_id);"
	"ALTER TABLE audit ADD COLUMN instance TEXT;"
	"CREATE INDEX audit_of_instance ON audit(instance, id);"
	/* Older rows stay as they were hashed. Those of an instance are the ones after it was last
	 * added or removed, of its organisation, or of a guest about a grant that is. */
	"CREATE TABLE audit_early(row INTEGER PRIMARY KEY, instance INTEGER NOT NULL);"
	"INSERT INTO audit_early SELECT a.id, i.id FROM instances AS i JOIN audit AS a ON"
	" a.vm_id = i.vm_id WHERE a.id > (SELECT ifnull(max(id), 0) FROM audit WHERE event = 'changed'"
	" AND reason IN ('instance add ' || i.vm_id, 'instance remove ' || i.vm_id)) AND"
	" (ifnull(a.org, '') = i.org OR ifnull(a.org, '') = '' AND (ifnull(a.jti, '') = '' OR EXISTS"
	" (SELECT 1 FROM audit AS g WHERE g.jti = a.jti AND g.event = 'issued' AND"
	" ifnull(g.org, '') IN ('', i.org))));"
	"CREATE INDEX audit_early_of_instance ON audit_early(instance, row);"
	"ALTER TABLE grants ADD COLUMN instance INTEGER;"
	"UPDATE grants SET instance = (SELECT e.instance FROM audit AS a JOIN audit_early AS e ON"
	" e.row = a.id WHERE a.jti = grants.jti AND a.event = 'issued');"
	"DROP INDEX grants_live;"
	"CREATE INDEX grants_of_instance ON grants(instance, user, expires);"
	/* What hides the rows' numbers in the cursors that callers get */
	"CREATE TABLE cursor_key(id INTEGER PRIMARY KEY CHECK(id = 1), bytes BLOB NOT NULL);"
	"INSERT INTO cursor_key VALUES(1, randomblob(32));",
};
#define SCHEMA_VERSION ((int)(sizeof migrations / sizeof migrations[0]))

static int schema_version(const struct store *store)
{
	_cleanup_statement_ sqlite3_stmt *statement =
		store_prepare(store, "PRAGMA user_version", "");

	return statement != NULL && store_next(store, statement) ? sqlite3_column_int(statement, 0)
								 : -1;
}

/* One step, atomically; another process may have done it first. */
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
	/* Made here, because SQLite would make it as readable as the umask allows, and root's.
	 * Files that SQLite adds get the database's owner and mode. */
	int fd = create ? owned_file_create(path) : -1;

	if (fd >= 0)
		close(fd);
	store->db = NULL;
	if (sqlite3_open_v2(path, &store->db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK) {
		snprintf(error, size, "%s: %s; %s", path, sqlite3_errmsg(store->db),
			 create ? "does its directory exist?" : "run: exc-connectd init");
		store_close(store);
		return false;
	}
	sqlite3_busy_timeout(store->db, STORE_BUSY_MS);
	/* FULL: an acknowledged audit row is on the disk, even after a power failure. */
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

/* Prepared statements, known by the address of their text, which is a constant. */
static struct kept {
	const sqlite3 *db;
	const char *sql;
	sqlite3_stmt *statement;
	bool in_use;
} kept[STORE_STATEMENTS_MAX];

void store_close(struct store *store)
{
	for (size_t i = 0; i < STORE_STATEMENTS_MAX; i++) {
		if (kept[i].db != store->db)
			continue;
		sqlite3_finalize(kept[i].statement);
		kept[i] = (struct kept){ 0 };
	}
	sqlite3_close(store->db);
	store->db = NULL;
}

void store_release(sqlite3_stmt *statement)
{
	size_t i = 0;

	while (i < STORE_STATEMENTS_MAX && kept[i].statement != statement)
		i++;
	if (statement == NULL || i == STORE_STATEMENTS_MAX) {
		sqlite3_finalize(statement);
		return;
	}
	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement); /* no value outlives its use */
	kept[i].in_use = false;
}

/* Take a kept one, or prepare it and keep it if there is room. */
static int take_statement(const struct store *store, const char *sql, sqlite3_stmt **statement)
{
	struct kept *place = NULL;
	int result;

	for (size_t i = 0; i < STORE_STATEMENTS_MAX; i++) {
		if (kept[i].sql == sql && kept[i].db == store->db && !kept[i].in_use) {
			kept[i].in_use = true;
			*statement = kept[i].statement;
			return SQLITE_OK;
		}
		if (place == NULL && kept[i].statement == NULL)
			place = &kept[i];
	}
	result = sqlite3_prepare_v2(store->db, sql, -1, statement, NULL);
	if (result == SQLITE_OK && place != NULL)
		*place = (struct kept){ store->db, sql, *statement, true };
	return result;
}

static sqlite3_stmt *prepare(const struct store *store, const char *sql, const char *types,
			     va_list values)
{
	sqlite3_stmt *statement = NULL;
	int result = take_statement(store, sql, &statement);

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
	store_release(statement);
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

bool store_begin(const struct store *store)
{
	/* None is open, unless undoing it failed. */
	if (sqlite3_get_autocommit(store->db) == 0)
		store_run(store, "ROLLBACK", "");
	return store_run(store, "BEGIN IMMEDIATE", "");
}

bool store_end(const struct store *store, bool good)
{
	if (good && store_run(store, "COMMIT", ""))
		return true;
	/* Of some errors, such as a full disk, SQLite has undone it already. */
	if (sqlite3_get_autocommit(store->db) == 0)
		store_run(store, "ROLLBACK", "");
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
