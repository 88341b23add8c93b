/* SPDX-License-Identifier: Apache-2.0 */
/* How the ledger's directories and files are opened, and made whole. */
#include "ledger/entry.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

/* Digits of the largest process id (PID_MAX_LIMIT is 4194304) */
#define PID_DIGITS_MAX 9

int entry_directory(int parent, const char *name)
{
	return openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

DIR *entry_stream(int parent, const char *name)
{
	int fd = entry_directory(parent, name);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);

	if (stream == NULL && fd >= 0)
		close(fd);
	return stream;
}

bool entry_time(int folder, const char *name, int64_t *time)
{
	struct stat status;

	if (fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
		return false;
	*time = clock_nanoseconds(&status.st_mtim);
	return true;
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

/* Write it under a name of this process's own. */
static bool make_unfinished(int folder, const char *name, const char *text, size_t length,
			    int64_t time)
{
	const struct timespec stamp = clock_timespec(time);
	const struct timespec times[2] = { stamp, stamp };
	_cleanup_close_ int fd = -1;

	/* Left behind by a killed process with our pid, if at all */
	unlinkat(folder, name, 0);
	fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return fd >= 0 && write_all(fd, text, length) && futimens(fd, times) == 0;
}

static bool make_whole(int folder, const char *name, const char *text, size_t length, int64_t time,
		       bool replace)
{
	char unfinished[ENTRY_NAME_SIZE];
	int failed = 0;

	snprintf(unfinished, sizeof unfinished, "%s.%d.new", name, (int)getpid());
	if (!make_unfinished(folder, unfinished, text, length, time) ||
	    (replace ? renameat(folder, unfinished, folder, name)
		     : linkat(folder, unfinished, folder, name, 0)) != 0)
		failed = errno;
	if (failed != 0 || !replace)
		unlinkat(folder, unfinished, 0);
	errno = failed;
	return failed == 0;
}

bool entry_make(int folder, const char *name, const char *text, size_t length, int64_t time)
{
	return make_whole(folder, name, text, length, time, false);
}

bool entry_replace(int folder, const char *name, const char *text, size_t length, int64_t time)
{
	return make_whole(folder, name, text, length, time, true);
}

ssize_t entry_read(int folder, const char *name, char text[OFFER_BYTES_MAX])
{
	_cleanup_close_ int fd =
		openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	return fd < 0 ? -1 : offer_read(fd, text);
}

bool entry_is_pid(const char *name, pid_t *pid)
{
	const size_t length = strlen(name);

	if (length == 0 || length > PID_DIGITS_MAX || strspn(name, "0123456789") != length)
		return false;
	*pid = (pid_t)atoi(name);
	return *pid > 0;
}

int64_t entry_process_began(uint64_t start)
{
	const int64_t ticks = sysconf(_SC_CLK_TCK);

	return ticks > 0 ? (int64_t)start * (CLOCK_NS_PER_SECOND / ticks) : 0;
}

bool entry_lock(int folder, bool wait)
{
	return flock(folder, LOCK_EX | (wait ? 0 : LOCK_NB)) == 0;
}
