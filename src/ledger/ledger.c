/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger: what was offered to which sshd connection, and which keys are used. */
#include "ledger/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "ledger/entry.h"
#include "base/cleanup.h"

/* The sweep may remove a connection's directory between its creation and its use. */
#define OFFER_TRIES 3
#define PID_SIZE 16
/* A pid and a start */
#define BOUND_SIZE 48
/* What a connection has waited in vain, in milliseconds */
#define WAITED "waited"
#define WAITED_SIZE 16

static bool open_private(struct ledger *ledger, const char *directory, bool must_be_ours)
{
	struct stat status;

	ledger->connections = ledger->used = ledger->bound = -1;
	ledger->directory = entry_directory(AT_FDCWD, directory);
	if (ledger->directory < 0 || fstat(ledger->directory, &status) != 0)
		return false;
	if ((status.st_mode & (S_IRWXG | S_IRWXO)) == 0 &&
	    (!must_be_ours || status.st_uid == geteuid()))
		return true;
	errno = EPERM;
	return false;
}

/* One of the ledger's directories, which the agent makes if it is missing. */
static int open_part(const struct ledger *ledger, const char *name, bool make)
{
	if (make && mkdirat(ledger->directory, name, 0700) != 0 && errno != EEXIST)
		return -1;
	return entry_directory(ledger->directory, name);
}

static bool open_ledger(struct ledger *ledger, const char *directory, bool agent)
{
	if (open_private(ledger, directory, agent) &&
	    (ledger->connections = open_part(ledger, "connections", agent)) >= 0 &&
	    (ledger->used = open_part(ledger, "used", agent)) >= 0 &&
	    (ledger->bound = open_part(ledger, "bound", agent)) >= 0)
		return true;
	ledger_close(ledger);
	return false;
}

bool ledger_open(struct ledger *ledger, const char *directory)
{
	return open_ledger(ledger, directory, true);
}

bool ledger_open_as_root(struct ledger *ledger, const char *directory)
{
	return open_ledger(ledger, directory, false);
}

void ledger_close(struct ledger *ledger)
{
	int *const parts[] = { &ledger->bound, &ledger->used, &ledger->connections,
			       &ledger->directory };
	int saved = errno;

	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		if (*parts[i] >= 0)
			close(*parts[i]);
		*parts[i] = -1;
	}
	errno = saved;
}

/* Was this entry made for an earlier process that had the same pid? */
static bool is_of_an_earlier_process(int64_t asked, const struct connection *connection)
{
	return connection->start != 0 && asked < entry_process_began(connection->start);
}

static int open_connection(const struct ledger *ledger, const struct connection *connection)
{
	char pid[PID_SIZE];

	snprintf(pid, sizeof pid, "%d", (int)connection->pid);
	return entry_directory(ledger->connections, pid);
}

static int make_connection(const struct ledger *ledger, const struct connection *connection)
{
	char pid[PID_SIZE];

	snprintf(pid, sizeof pid, "%d", (int)connection->pid);
	if (mkdirat(ledger->connections, pid, 0700) != 0 && errno != EEXIST)
		return -1;
	return open_connection(ledger, connection);
}

static bool is_used(const struct ledger *ledger, const struct offer *offer)
{
	struct stat status;

	/* Whatever keeps us from knowing counts as used. */
	return fstatat(ledger->used, offer->jti_hash, &status, AT_SYMLINK_NOFOLLOW) == 0 ||
	       errno != ENOENT;
}

enum binding {
	BOUND_TO_US,
	BOUND_TO_ANOTHER, /* or to nobody knows whom */
	BOUND_TO_NOBODY
};

static enum binding who_has(const struct ledger *ledger, const struct offer *offer,
			    const struct connection *us)
{
	char text[OFFER_BYTES_MAX];
	uint64_t start;
	int pid;

	if (entry_read(ledger->bound, offer->jti_hash, text) < 0)
		return errno == ENOENT ? BOUND_TO_NOBODY : BOUND_TO_ANOTHER;
	if (sscanf(text, "%d %" SCNu64, &pid, &start) != 2 || pid != us->pid)
		return BOUND_TO_ANOTHER;
	/* Where a start is hidden, the pid has to do. */
	return start == us->start || start == 0 || us->start == 0 ? BOUND_TO_US : BOUND_TO_ANOTHER;
}

static enum ledger_result bind_to(const struct ledger *ledger, const struct offer *offer,
				  const struct connection *connection)
{
	char text[BOUND_SIZE];
	int length = snprintf(text, sizeof text, "%d %" PRIu64 "\n", (int)connection->pid,
			      connection->start);

	if (entry_make(ledger->bound, offer->jti_hash, text, (size_t)length,
		       offer->deadline * CLOCK_NS_PER_SECOND))
		return LEDGER_OFFERED;
	if (errno != EEXIST)
		return LEDGER_UNAVAILABLE;
	return who_has(ledger, offer, connection) == BOUND_TO_US ? LEDGER_OFFERED
								 : LEDGER_ALREADY_USED;
}

/* Is there room for another key? Entries of an earlier process with this pid go. */
static bool has_room(int folder, const struct connection *connection)
{
	_cleanup_dir_ DIR *stream = entry_stream(folder, ".");
	const struct dirent *entry;
	unsigned int count = 0;
	int64_t asked;

	if (stream == NULL)
		return false;
	while (count < LEDGER_OFFERS_PER_CONNECTION_MAX && (entry = readdir(stream)) != NULL) {
		if (entry->d_name[0] == '.' || !entry_time(folder, entry->d_name, &asked))
			continue;
		if (is_of_an_earlier_process(asked, connection))
			unlinkat(folder, entry->d_name, 0);
		else
			count++;
	}
	errno = EMFILE;
	return count < LEDGER_OFFERS_PER_CONNECTION_MAX;
}

/* False with errno. */
static bool write_entry(const struct ledger *ledger, const char *name, const char *text,
			size_t length, const struct connection *connection)
{
	int64_t asked;

	for (int try = 0; try < OFFER_TRIES; try++) {
		_cleanup_close_ int folder = make_connection(ledger, connection);

		if (folder < 0) {
			if (errno == ENOENT)
				continue;
			return false;
		}
		if (!entry_lock(folder, true) ||
		    (!entry_time(folder, name, &asked) && !has_room(folder, connection)))
			return false;
		if (entry_replace(folder, name, text, length, clock_boottime_ns()))
			return true;
		if (errno != ENOENT)
			return false;
	}
	return false;
}

enum ledger_result ledger_offer(const struct ledger *ledger, const char *key_hash,
				const struct offer *offer, const struct connection *connection,
				bool bind)
{
	enum ledger_result result = LEDGER_OFFERED;
	char text[OFFER_BYTES_MAX];
	int length;

	if (is_used(ledger, offer))
		return LEDGER_ALREADY_USED;
	if (bind)
		result = bind_to(ledger, offer, connection);
	else if (who_has(ledger, offer, connection) == BOUND_TO_ANOTHER)
		result = LEDGER_ALREADY_USED;
	if (result == LEDGER_OFFERED) {
		length = offer_print(offer, text);
		if (!write_entry(ledger, key_hash, text, (size_t)length, connection))
			result = LEDGER_UNAVAILABLE;
	}
	/* The module makes its mark, and then looks whether the key is bound to another connection.
	 * Here it is the other way round, so that at least one of the two sees the other. */
	if (result == LEDGER_OFFERED && is_used(ledger, offer))
		result = LEDGER_ALREADY_USED;
	return result;
}

/* Read an entry. False with errno. */
static bool load(int folder, const char *key_hash, struct offer *offer)
{
	char text[OFFER_BYTES_MAX];

	if (entry_read(folder, key_hash, text) < 0)
		return false;
	errno = EBADMSG;
	return offer_parse(text, offer);
}

bool ledger_recall(const struct ledger *ledger, const char *key_hash, const char *user,
		   const struct connection *connection, bool bind, struct offer *recalled)
{
	_cleanup_close_ int folder = open_connection(ledger, connection);
	const int64_t now = clock_boottime_ns();
	const struct timespec stamp = clock_timespec(now);
	const struct timespec times[2] = { stamp, stamp };
	enum binding binding;
	int64_t asked;

	if (folder < 0 || !entry_time(folder, key_hash, &asked) ||
	    is_of_an_earlier_process(asked, connection) || !load(folder, key_hash, recalled) ||
	    strcmp(recalled->user, user) != 0 || clock_boottime() >= recalled->deadline)
		return false;
	binding = who_has(ledger, recalled, connection);
	if (binding == BOUND_TO_ANOTHER || (bind && binding != BOUND_TO_US))
		return false;
	/* Where the start of a process is hidden, the entry may be that of an earlier one. With a
	 * new time, it is this one's. */
	return utimensat(folder, key_hash, times, AT_SYMLINK_NOFOLLOW) == 0 &&
	       !is_used(ledger, recalled);
}

unsigned int ledger_waited(const struct ledger *ledger, const struct connection *connection)
{
	_cleanup_close_ int folder = open_connection(ledger, connection);
	char text[OFFER_BYTES_MAX];
	unsigned int waited;
	int64_t asked;

	if (folder < 0 || !entry_time(folder, WAITED, &asked) ||
	    is_of_an_earlier_process(asked, connection) || entry_read(folder, WAITED, text) < 0 ||
	    sscanf(text, "%9u", &waited) != 1)
		return 0;
	return waited;
}

void ledger_wait_longer(const struct ledger *ledger, const struct connection *connection,
			unsigned int waited)
{
	char text[WAITED_SIZE];
	int length = snprintf(text, sizeof text, "%u\n", waited);

	write_entry(ledger, WAITED, text, (size_t)length, connection);
}

/* The moment at which a key is spent. */
static enum ledger_result make_used_mark(const struct ledger *ledger, const struct offer *offer)
{
	const struct timespec times[2] = { { .tv_sec = offer->deadline },
					   { .tv_sec = offer->deadline } };
	_cleanup_close_ int fd = openat(ledger->used, offer->jti_hash,
					O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return errno == EEXIST ? LEDGER_ALREADY_USED : LEDGER_UNAVAILABLE;
	/* If this fails, the mark stays until the next boot. */
	futimens(fd, times);
	return LEDGER_SPENT;
}

enum ledger_result ledger_spend(const struct ledger *ledger, const char *key_hash, const char *user,
				const struct connection *connection, struct offer *spent)
{
	char name[PID_SIZE + DIGEST_HEX_SIZE];
	_cleanup_close_ int folder = -1;
	enum ledger_result result;
	int64_t asked;

	memset(spent, 0, sizeof *spent);
	snprintf(name, sizeof name, "%d/%s", (int)connection->pid, key_hash);
	/* If there is an entry, failing to read it must not let the key pass. */
	if (!entry_time(ledger->connections, name, &asked))
		return errno == ENOENT || errno == ENOTDIR ? LEDGER_NOT_OURS : LEDGER_UNAVAILABLE;
	if (is_of_an_earlier_process(asked, connection))
		return LEDGER_NOT_OURS;
	folder = open_connection(ledger, connection);
	if (folder < 0 || !load(folder, key_hash, spent))
		return LEDGER_UNAVAILABLE;
	if (strcmp(spent->user, user) != 0)
		return LEDGER_WRONG_USER;
	if (clock_boottime() > spent->deadline + LEDGER_SESSION_MAX_SECONDS)
		return LEDGER_TOO_LATE;
	result = make_used_mark(ledger, spent);
	if (result == LEDGER_SPENT && who_has(ledger, spent, connection) == BOUND_TO_ANOTHER)
		return LEDGER_ALREADY_USED;
	return result;
}
