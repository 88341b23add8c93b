/* SPDX-License-Identifier: Apache-2.0 */
/* serve and init: start the control plane, and make its database and key. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

#include "connectd/commands.h"
#include "connectd/store/owned_file.h"
#include "connectd/http/server.h"
#include "connectd/store/signing_key.h"

/* How long the server waits for another process that writes, such as a command: all clients wait
 * meanwhile, and guests give up after two seconds. */
#define SERVE_BUSY_MS 500

/* Hold the lock of this database for as long as the process lives. False when another has it. */
static bool take_lock(const char *database)
{
	char path[CONNECTD_VALUE_SIZE + 8], holder[32] = "";
	int fd;

	snprintf(path, sizeof path, "%s.lock", database);
	fd = owned_file_create(path);
	if (fd < 0 && errno == EEXIST)
		fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) {
		fprintf(stderr, "exc-connectd: %s: %s\n", path, strerror(errno));
		return false;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (read(fd, holder, sizeof holder - 1) < 0)
			holder[0] = '\0';
		fprintf(stderr,
			"exc-connectd: process %s already serves the database %s; stop it first, or give "
			"this one another database\n",
			holder[0] == '\0' ? "(unknown)" : holder, database);
		close(fd);
		return false;
	}
	snprintf(holder, sizeof holder, "%d", (int)getpid());
	if (ftruncate(fd, 0) != 0 || write(fd, holder, strlen(holder)) < 0)
		fprintf(stderr, "exc-connectd: %s: %s\n", path, strerror(errno));
	return true; /* the descriptor stays open: it is the lock */
}

/* Serve, with all the state that lasts as long */
static int serve(const struct connectd_config *config, const struct store *store,
		 const struct signing_key *key)
{
	struct service_state state;
	int result = EXIT_FAILURE;

	sqlite3_busy_timeout(store->db, SERVE_BUSY_MS);
	if (service_state_init(&state, config))
		result = server_run(&(struct service){ config, store, key, &state });
	else
		command_fail("no memory");
	service_state_free(&state);
	return result;
}

int serve_main(int argc, char **argv, const struct connectd_config *config)
{
	char error[CONNECTD_ERROR_SIZE] = "";
	struct signing_key key;
	struct store store;
	int result = EXIT_FAILURE;

	(void)argv;
	if (argc != 0)
		return usage_error("serve takes no arguments");
	if (!signing_key_load(&key, config->signing_key, error, sizeof error))
		return command_fail("%s", error);
	if (!store_open(&store, config->database, false, error, sizeof error)) {
		signing_key_free(&key);
		return command_fail("%s", error);
	}
	if (take_lock(config->database))
		result = serve(config, &store, &key);
	store_close(&store);
	signing_key_free(&key);
	return result;
}

int init_main(int argc, char **argv, const struct connectd_config *config)
{
	char error[CONNECTD_ERROR_SIZE] = "";
	_cleanup_free_ char *pem = NULL;
	struct signing_key key;
	struct store store;

	(void)argv;
	if (argc != 0)
		return usage_error("init takes no arguments");
	if (!store_open(&store, config->database, true, error, sizeof error) ||
	    !signing_key_create(config->signing_key, error, sizeof error) ||
	    !signing_key_load(&key, config->signing_key, error, sizeof error))
		return command_fail("%s", error);
	store_close(&store);
	pem = signing_key_public_pem(&key);
	signing_key_free(&key);
	if (pem == NULL)
		return EXIT_FAILURE;
	fputs(pem, stdout);
	return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
