/* SPDX-License-Identifier: Apache-2.0 */
/* The sweep: remove what the ledger no longer needs, a few at a time. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/process.h"
#include "ledger/entry.h"
#include "ledger/ledger.h"

/* A sweep starts at one of the first 2^k entries, k being 0 to this. */
#define PLACE_BITS_MAX 16

/* How many entries to skip. A random one of a random order of magnitude reaches the far ones of
 * many entries and seldom runs past the end of a few. */
static unsigned int random_place(void)
{
	uint16_t random[2] = { 0, 0 };

	if (getrandom(random, sizeof random, GRND_NONBLOCK) != sizeof random)
		return 0;
	return random[0] & ((1U << random[1] % (PLACE_BITS_MAX + 1)) - 1);
}

/* Call `sweep_one` for up to LEDGER_SWEEP_MAX names in a directory. */
static void sweep_some(int folder, void (*sweep_one)(int folder, const char *name))
{
	_cleanup_dir_ DIR *stream = entry_stream(folder, ".");
	unsigned int skip = random_place(), seen = 0;
	const struct dirent *entry;

	while (stream != NULL && seen < LEDGER_SWEEP_MAX && (entry = readdir(stream)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		if (skip > 0) {
			skip--;
			continue;
		}
		seen++;
		sweep_one(folder, entry->d_name);
	}
}

static void sweep_mark(int folder, const char *name)
{
	const int64_t now = clock_boottime();
	int64_t time;

	/* Stamps of when the ledger was made stay, and so does what a killed process left half
	 * made: the latter has a time of the wall clock. */
	if (!digest_is_hex(name) || !entry_time(folder, name, &time))
		return;
	time /= CLOCK_NS_PER_SECOND;
	if (time <= now + LEDGER_AHEAD_MAX_SECONDS && now > time + LEDGER_RETENTION_SECONDS)
		unlinkat(folder, name, 0);
}

/* Since when no process with this pid can have asked, in nanoseconds of clock_boottime_ns(): now if
 * it is gone, otherwise when it began; 0 if that is hidden. */
static int64_t live_since(pid_t pid)
{
	struct process process;

	if (kill(pid, 0) != 0 && errno == ESRCH)
		return INT64_MAX;
	return process_read(pid, &process) ? entry_process_began(process.start) : 0;
}

/* Never by age: while a connection waits, for hours where LoginGraceTime is 0, its entry is what
 * keeps a second one that waits from using the same key. */
static void sweep_connection(int connections, const char *name)
{
	_cleanup_dir_ DIR *stream = entry_stream(connections, name);
	unsigned int seen = 0;
	const struct dirent *entry;
	int64_t since, asked;
	pid_t pid;

	/* Who writes locks it. A process with this pid that begins now has to wait, and finds its
	 * directory gone, or keeps what it writes. */
	if (stream == NULL || !entry_is_pid(name, &pid) || !entry_lock(dirfd(stream), false))
		return;
	since = live_since(pid);
	/* An unfinished entry comes on top of the others. */
	while (seen++ <= 2 * LEDGER_OFFERS_PER_CONNECTION_MAX && (entry = readdir(stream)) != NULL)
		if (entry->d_name[0] != '.' && entry_time(dirfd(stream), entry->d_name, &asked) &&
		    asked < since)
			unlinkat(dirfd(stream), entry->d_name, 0);
	unlinkat(connections, name, AT_REMOVEDIR); /* fails unless it is empty */
}

void ledger_sweep(const struct ledger *ledger)
{
	sweep_some(ledger->connections, sweep_connection);
	sweep_some(ledger->used, sweep_mark);
	sweep_some(ledger->bound, sweep_mark);
}
