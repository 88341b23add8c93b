/* SPDX-License-Identifier: Apache-2.0 */
/* The control plane's database: open it, and run statements with bound values. */
#ifndef EXC_CONNECTD_STORE_STORE_H
#define EXC_CONNECTD_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>

#include <sqlite3.h>

#include "base/cleanup.h"

/* How long a statement waits for another process that writes. */
#define STORE_BUSY_MS 5000

struct store {
	sqlite3 *db;
};

/* Done with a statement of store_prepare(); NULL is fine. */
void store_release(sqlite3_stmt *statement);
DEFINE_CLEANUP(sqlite3_stmt, store_release);
#define _cleanup_statement_ _cleanup_(cleanup_store_release)

/* Statements that are kept prepared, over all databases of the process */
#define STORE_STATEMENTS_MAX 64

/* Open the database; with `create`, make it if it does not exist. False, with `error`
 * (of `size` bytes) saying what to do. */
bool store_open(struct store *store, const char *path, bool create, char *error, size_t size);

void store_close(struct store *store);

/* Prepare `sql`, a constant, and bind one value for each letter of `types`: t text (const char *,
 * NULL becomes NULL), i integer (int64_t). The caller releases. NULL, after a message on stderr,
 * when SQLite fails. Prepared once, it is kept for the next time: parsing takes longer than running
 * most statements. */
sqlite3_stmt *store_prepare(const struct store *store, const char *sql, const char *types, ...);

/* Prepare, bind and run a statement that returns no rows. */
bool store_run(const struct store *store, const char *sql, const char *types, ...);

/* Begin a transaction that may write. False after a message on stderr. */
bool store_begin(const struct store *store);

/* End it: commit what is `good`, and undo everything otherwise, or if that fails. True if it was
 * committed. */
bool store_end(const struct store *store, bool good);

/* Step to the next row. False at the end, and after a message on stderr when SQLite fails. */
bool store_next(const struct store *store, sqlite3_stmt *statement);

/* The column's text, "" for NULL; valid until the next step. */
const char *store_text(sqlite3_stmt *statement, int column);

#endif
