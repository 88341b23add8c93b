/* SPDX-License-Identifier: Apache-2.0 */
/* When this ledger was made, and which grants are newer.
 *
 * Anyone who removes the ledger within a key's life also removes the mark that the key is spent.
 * The ledger that is made in its place knows nothing of it. So a grant counts only if it was issued
 * after the ledger was made.
 *
 * That moment is kept in boot time, which nobody can set. If the agent were always the first to
 * note it, the first key after each boot would be older than the ledger and refused. So tmpfiles.d
 * makes a stamp, at boot and when the package is installed. A file that tmpfiles.d makes has only
 * the wall clock's time. The agent's first run turns that into boot time, and from then on no step
 * of the clock changes it. A step before that run does:
 *  - A clock set forward makes the ledger look older. That helps nobody after a boot, as no grant
 *    from before the start of process 1 counts. For a spent key to come back, an administrator has
 *    to remove the ledger and make it again, and the clock has to be set forward, both within the
 *    key's minute and before any client has offered any key.
 *  - A clock set back makes it look younger. A stamp in the future counts as made now: the first
 *    key is refused without need, and the next one is not. */
#include <errno.h>
#include <unistd.h>

#include "base/clock.h"
#include "ledger/entry.h"
#include "ledger/ledger.h"

/* The modification time of a stamp; 0 if it does not exist. False, with errno, if unknown. */
static bool read_stamp(int folder, const char *name, int64_t *value)
{
	*value = 0;
	return entry_time(folder, name, value) || errno == ENOENT;
}

/* When tmpfiles made the ledger, in boot time, if it did; otherwise now. False as read_stamp(). */
static bool read_created(int folder, int64_t *made)
{
	int64_t created, wall, age = 0;

	if (!read_stamp(folder, LEDGER_CREATED, &created))
		return false;
	/* The wall clock first: the time in between can only make the ledger look younger. */
	wall = clock_realtime_ns();
	if (created > 0 && created < wall)
		age = wall - created;
	*made = clock_boottime_ns();
	/* Older than the kernel: the clock was set. The check of the boot covers that. */
	*made = age < *made ? *made - age : 1;
	return true;
}

/* The agent's stamp; 0 if there is no plausible one. False as read_stamp(). */
static bool read_made(int folder, int64_t *made)
{
	if (!read_stamp(folder, LEDGER_MADE, made))
		return false;
	if (*made <= clock_boottime_ns())
		return true;
	/* From an earlier boot, where the directory survives a reboot: it is replaced. */
	*made = 0;
	return unlinkat(folder, LEDGER_MADE, 0) == 0 || errno == ENOENT;
}

/* When one of the directories of marks was made. */
static bool folder_made(int folder, int64_t *made)
{
	if (!read_made(folder, made))
		return false;
	if (*made > 0)
		return true;
	if (!read_created(folder, made))
		return false;
	/* Of several that try, one succeeds. */
	if (entry_make(folder, LEDGER_MADE, "", 0, *made))
		return true;
	if (errno != EEXIST)
		return false;
	/* Another run was quicker. Its stamp counts, for all. */
	if (!read_made(folder, made))
		return false;
	errno = EAGAIN;
	return *made > 0;
}

bool ledger_made(const struct ledger *ledger, int64_t *made)
{
	int64_t used, bound;

	if (!folder_made(ledger->used, &used) || !folder_made(ledger->bound, &bound))
		return false;
	*made = used > bound ? used : bound;
	return true;
}

/* `now` and iat are of one clock, the issuer's, so there is no skew to allow for. An allowance that
 * accepts older grants would let a key in again that was spent seconds before the ledger was
 * removed. Where `now` is this machine's own clock, the two may differ either way; the caller then
 * adds the skew to what this returns, which refuses more.
 *
 * `now` and iat are cut to whole seconds. The true time may be a second later than `now`, and then
 * the ledger was made as much later. That second counts against the grant, or a key of the second
 * before the ledger was made could pass. So a grant of the ledger's first 3 seconds may be
 * refused, and a later one is not. */
time_t ledger_earliest_grant(int64_t made, int64_t asked, time_t now)
{
	const int64_t age = asked > made ? (asked - made) / CLOCK_NS_PER_SECOND : 0;

	return now + 1 - (time_t)age;
}
