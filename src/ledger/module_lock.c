/* SPDX-License-Identifier: Apache-2.0 */
/* Proof that the PAM module is loaded in a process: a lock that the kernel keeps for it (fcntl(2),
 * advisory record locking). */
#include "ledger/module_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "ledger/entry.h"

static struct flock lock_of(pid_t pid)
{
	return (struct flock){
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = pid, .l_len = 1
	};
}

/* Only root can lock a file that only root can write. */
static bool is_roots(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_uid == 0 &&
	       (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

int module_lock_take(const char *directory)
{
	_cleanup_close_ int folder = entry_directory(AT_FDCWD, directory);
	struct flock lock = lock_of(getpid());
	int fd = folder < 0 ? -1
			    : openat(folder, MODULE_LOCK_FILE,
				     O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	int failed;

	if (fd < 0)
		return -1;
	errno = EPERM;
	if (is_roots(fd) && fcntl(fd, F_SETLK, &lock) == 0)
		return fd;
	failed = errno;
	close(fd);
	errno = failed;
	return -1;
}

bool module_lock_is_held(const struct ledger *ledger, pid_t pid)
{
	_cleanup_close_ int fd = openat(ledger->directory, MODULE_LOCK_FILE,
					O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct flock lock = lock_of(pid);

	return fd >= 0 && is_roots(fd) && fcntl(fd, F_GETLK, &lock) == 0 &&
	       lock.l_type == F_WRLCK && lock.l_pid == pid;
}
