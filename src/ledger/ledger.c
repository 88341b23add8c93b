/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger: which one-time keys were offered on this machine, and which are used. */
#include "ledger/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "ledger/entry.h"
#include "base/cleanup.h"

/* The sweep may remove an empty directory between its creation and its use. */
#define OFFER_TRIES 3

static bool open_private(struct ledger *ledger, const char *directory, bool must_be_ours)
{
	struct stat status;

	ledger->keys = -1;
	ledger->directory = ledger_directory(AT_FDCWD, directory);
	if (ledger->directory < 0 || fstat(ledger->directory, &status) != 0)
		return false;
	if ((status.st_mode & (S_IRWXG | S_IRWXO)) == 0 &&
	    (!must_be_ours || status.st_uid == geteuid()))
		return true;
	errno = EPERM;
	return false;
}

bool ledger_open(struct ledger *ledger, const char *directory)
{
	if (open_private(ledger, directory, true) &&
	    (mkdirat(ledger->directory, "keys", 0700) == 0 || errno == EEXIST))
		ledger->keys = ledger_directory(ledger->directory, "keys");
	if (ledger->keys >= 0)
		return true;
	ledger_close(ledger);
	return false;
}

bool ledger_open_as_root(struct ledger *ledger, const char *directory)
{
	if (open_private(ledger, directory, false))
		ledger->keys = ledger_directory(ledger->directory, "keys");
	if (ledger->keys >= 0)
		return true;
	ledger_close(ledger);
	return false;
}

void ledger_close(struct ledger *ledger)
{
	int saved = errno;

	if (ledger->keys >= 0)
		close(ledger->keys);
	if (ledger->directory >= 0)
		close(ledger->directory);
	ledger->keys = ledger->directory = -1;
	errno = saved;
}

static bool write_all(int fd, const char *text, size_t length)
{
	while (length > 0) {
		ssize_t written = write(fd, text, length);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return false;
		text += written;
		length -= (size_t)written;
	}
	return true;
}

/* Make `<name>.offered` whole or not at all. Returns 0 or a negative errno; -EEXIST if it exists.
 * (O_TMPFILE would avoid the second name, but linking it needs /proc or a capability.) */
static int create_offer(int folder, const char *jti_hash, const struct offer *offer,
			const struct connection *connection)
{
	char unfinished[LEDGER_ENTRY_NAME_SIZE], name[LEDGER_ENTRY_NAME_SIZE],
		text[OFFER_BYTES_MAX];
	int length, result = 0;
	int fd;

	snprintf(unfinished, sizeof unfinished, "%s.%d.new", jti_hash, (int)getpid());
	snprintf(name, sizeof name, "%s" LEDGER_ENTRY_OFFERED, jti_hash);
	length = offer_print(offer, connection, text);
	/* Left behind by a killed process with our pid, if at all */
	unlinkat(folder, unfinished, 0);
	fd = openat(folder, unfinished, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (!write_all(fd, text, (size_t)length) ||
	    linkat(folder, unfinished, folder, name, 0) != 0)
		result = -errno;
	close(fd);
	unlinkat(folder, unfinished, 0);
	return result;
}

/* Add this connection to an existing offer. */
static enum ledger_result join_offer(int folder, const char *jti_hash,
				     const struct connection *connection, bool bind)
{
	char name[LEDGER_ENTRY_NAME_SIZE], text[OFFER_BYTES_MAX], line[64];
	_cleanup_close_ int fd = -1;
	struct offer_connections asked;
	ssize_t length;

	snprintf(name, sizeof name, "%s" LEDGER_ENTRY_OFFERED, jti_hash);
	fd = openat(folder, name, O_RDWR | O_APPEND | O_NOFOLLOW | O_CLOEXEC);
	length = fd < 0 ? -1 : offer_read(fd, text);
	if (length <= 0)
		return LEDGER_UNAVAILABLE;
	offer_connections(text, connection, &asked);
	if (asked.us)
		return LEDGER_OFFERED_BEFORE;
	if (bind)
		return LEDGER_ALREADY_USED;
	if (asked.count >= OFFER_CONNECTIONS_MAX) {
		errno = EMFILE;
		return LEDGER_UNAVAILABLE;
	}
	/* A line that a full disk cut short must not swallow this one. */
	line[0] = '\n';
	offer_print_connection(connection, line + 1, sizeof line - 1);
	return write_all(fd, line + (text[length - 1] == '\n'),
			 strlen(line + (text[length - 1] == '\n')))
		       ? LEDGER_OFFERED
		       : LEDGER_UNAVAILABLE;
}

static bool is_used(int folder, const char *jti_hash)
{
	char name[LEDGER_ENTRY_NAME_SIZE];
	struct stat status;

	snprintf(name, sizeof name, "%s" LEDGER_ENTRY_USED, jti_hash);
	/* Whatever keeps us from knowing counts as used. */
	return fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT;
}

enum ledger_result ledger_offer(const struct ledger *ledger, const char *key_hash,
				const struct offer *offer, const struct connection *connection,
				bool bind)
{
	char jti_hash[DIGEST_HEX_SIZE];
	int result = -ENOMEM;

	if (!digest_hex(offer->jti, strlen(offer->jti), jti_hash)) {
		errno = ENOMEM;
		return LEDGER_UNAVAILABLE;
	}
	for (int try = 0; try < OFFER_TRIES; try++) {
		_cleanup_close_ int folder = -1;

		if (mkdirat(ledger->keys, key_hash, 0700) != 0 && errno != EEXIST)
			return LEDGER_UNAVAILABLE;
		folder = ledger_directory(ledger->keys, key_hash);
		if (folder < 0) {
			result = -errno;
			continue;
		}
		if (is_used(folder, jti_hash))
			return LEDGER_ALREADY_USED;
		result = create_offer(folder, jti_hash, offer, connection);
		if (result == 0)
			return LEDGER_OFFERED;
		if (result == -EEXIST)
			return join_offer(folder, jti_hash, connection, bind);
		if (result != -ENOENT)
			break;
	}
	errno = -result;
	return LEDGER_UNAVAILABLE;
}

/* May this user still get this offer's key on this connection? */
static bool recall_offer(int folder, const char *name, const char *user,
			 const struct connection *connection, struct offer *recalled)
{
	char text[OFFER_BYTES_MAX], jti_hash[DIGEST_HEX_SIZE];
	struct offer_connections asked;

	snprintf(jti_hash, sizeof jti_hash, "%.*s", DIGEST_HEX_SIZE - 1, name);
	if (!ledger_entry_load(folder, name, text, recalled) || is_used(folder, jti_hash))
		return false;
	offer_connections(text, connection, &asked);
	return asked.us && strcmp(recalled->user, user) == 0 && recalled->line[0] != '\0' &&
	       clock_boottime() < recalled->deadline;
}

bool ledger_recall(const struct ledger *ledger, const char *key_hash, const char *user,
		   const struct connection *connection, struct offer *recalled)
{
	_cleanup_dir_ DIR *folder = NULL;
	const struct dirent *entry;
	unsigned int offers = 0;

	if (!connection->is_sshd)
		return false;
	folder = ledger_stream(ledger->keys, key_hash);
	if (folder == NULL)
		return false;
	while (offers < LEDGER_OFFERS_PER_KEY_MAX && (entry = readdir(folder)) != NULL) {
		if (!ledger_entry_is(entry->d_name, LEDGER_ENTRY_OFFERED))
			continue;
		offers++;
		if (recall_offer(dirfd(folder), entry->d_name, user, connection, recalled))
			return true;
	}
	return false;
}

/* The moment at which a key is spent. */
static enum ledger_result make_used_mark(int folder, const char *offered_name)
{
	char name[LEDGER_ENTRY_NAME_SIZE];
	int fd;

	snprintf(name, sizeof name, "%.*s" LEDGER_ENTRY_USED, DIGEST_HEX_SIZE - 1, offered_name);
	fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return errno == EEXIST ? LEDGER_ALREADY_USED : LEDGER_UNAVAILABLE;
	close(fd);
	return LEDGER_SPENT;
}

/* Spend one offer, if it was made to this connection. */
static enum ledger_result spend_offer(int folder, const char *name,
				      const struct connection *connection, struct offer *spent)
{
	char text[OFFER_BYTES_MAX];
	enum ledger_result result;
	struct offer_connections asked;
	struct offer offer;

	if (!ledger_entry_load(folder, name, text, &offer))
		return errno == ENOENT ? LEDGER_NOT_OURS : LEDGER_UNAVAILABLE;
	offer_connections(text, connection, &asked);
	if (!asked.us && !asked.unknown)
		return LEDGER_NOT_OURS;
	result = make_used_mark(folder, name);
	/* An old offer to an unknown connection: this login uses the same key the ordinary way. */
	if (result != LEDGER_SPENT && !asked.us &&
	    clock_boottime() > offer.deadline + LEDGER_UNKNOWN_SECONDS)
		return LEDGER_NOT_OURS;
	*spent = offer;
	return result;
}

/* Needs no file descriptor, so it works when none are left. */
static bool key_is_known(const struct ledger *ledger, const char *key_hash)
{
	struct stat status;

	return fstatat(ledger->keys, key_hash, &status, AT_SYMLINK_NOFOLLOW) == 0;
}

/* The next entry; NULL with errno 0 at the end, otherwise with the read error. */
static const struct dirent *next_entry(DIR *folder)
{
	errno = 0;
	return readdir(folder);
}

enum ledger_result ledger_spend(const struct ledger *ledger, const char *key_hash,
				const struct connection *connection, struct offer *spent)
{
	_cleanup_dir_ DIR *folder = ledger_stream(ledger->keys, key_hash);
	enum ledger_result result = LEDGER_NOT_OURS;
	const struct dirent *entry = NULL;
	unsigned int offers = 0;

	memset(spent, 0, sizeof *spent);
	/* Only offered keys have a directory: failing to read it must not let the key pass. */
	if (folder == NULL)
		return key_is_known(ledger, key_hash) ? LEDGER_UNAVAILABLE : LEDGER_NOT_OURS;
	while (result != LEDGER_SPENT && (entry = next_entry(folder)) != NULL) {
		enum ledger_result this_one;

		if (!ledger_entry_is(entry->d_name, LEDGER_ENTRY_OFFERED))
			continue;
		if (++offers > LEDGER_OFFERS_PER_KEY_MAX) {
			errno = EMFILE;
			return LEDGER_UNAVAILABLE;
		}
		this_one = spend_offer(dirfd(folder), entry->d_name, connection, spent);
		if (this_one != LEDGER_NOT_OURS)
			result = this_one;
	}
	/* An offer that could not be read must not let a key pass. */
	if (entry == NULL && result == LEDGER_NOT_OURS && errno != 0)
		return LEDGER_UNAVAILABLE;
	return result;
}
