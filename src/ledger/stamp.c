/* SPDX-License-Identifier: Apache-2.0 */
/* Remember a time between runs of the agent, in the modification time of an empty file. */
#include "ledger/stamp.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/cleanup.h"

void stamp_write(const struct ledger *ledger, const char *name, int64_t value)
{
	const struct timespec times[2] = { { .tv_sec = value }, { .tv_sec = value } };
	_cleanup_close_ int fd = -1;

	fd = openat(ledger->directory, name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd >= 0)
		futimens(fd, times);
}

int64_t stamp_read(const struct ledger *ledger, const char *name)
{
	struct stat status;

	if (fstatat(ledger->directory, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
		return 0;
	return status.st_mtim.tv_sec;
}

bool stamp_once_per(const struct ledger *ledger, const char *name, int64_t seconds)
{
	int64_t now = clock_boottime();
	int64_t next = stamp_read(ledger, name);

	/* A value further in the future than this function sets is not its own. */
	if (now < next && next <= now + seconds)
		return false;
	stamp_write(ledger, name, now + seconds);
	return true;
}
