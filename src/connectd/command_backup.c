/* SPDX-License-Identifier: Apache-2.0 */
/* backup: copy the database while it is in use. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "connectd/commands.h"

/* Pages that are copied before others may write again, and for how long they may */
#define BACKUP_PAGES 256
#define BACKUP_PAUSE_MS 5
/* How often a writer may interrupt before the copy is made at once */
#define BACKUP_WAITS_MAX 2000

/* SQLite's online backup (sqlite.org/backup.html): the result is one complete database, of one
 * moment. */
static bool copy(sqlite3 *from, sqlite3 *to)
{
	sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");
	int result = SQLITE_OK;

	if (backup == NULL)
		return false;
	for (int waits = 0; waits < BACKUP_WAITS_MAX; waits++) {
		/* After that, all at once: this locks writers out meanwhile. */
		result = sqlite3_backup_step(backup,
					     waits < BACKUP_WAITS_MAX / 2 ? BACKUP_PAGES : -1);
		if (result != SQLITE_OK && result != SQLITE_BUSY && result != SQLITE_LOCKED)
			break;
		if (result != SQLITE_OK)
			sqlite3_sleep(BACKUP_PAUSE_MS);
	}
	sqlite3_backup_finish(backup);
	return result == SQLITE_DONE;
}

static int back_up(const struct store *store, const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	sqlite3 *to = NULL;
	bool good;

	if (fd < 0)
		return command_fail("%s: %s", path, strerror(errno));
	good = sqlite3_open_v2(path, &to, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK &&
	       copy(store->db, to);
	if (!good)
		command_fail("%s: %s", path, sqlite3_errmsg(to));
	if (sqlite3_close(to) != SQLITE_OK || fsync(fd) != 0)
		good = false;
	close(fd);
	if (good)
		return EXIT_SUCCESS;
	unlink(path);
	return EXIT_FAILURE;
}

int backup_main(int argc, char **argv, const struct connectd_config *config)
{
	char error[CONNECTD_ERROR_SIZE] = "";
	struct store store;
	int result;

	if (argc != 1)
		return usage_error("backup needs the name of the FILE to write");
	if (!store_open(&store, config->database, false, error, sizeof error))
		return command_fail("%s", error);
	result = back_up(&store, argv[0]);
	store_close(&store);
	return result;
}
