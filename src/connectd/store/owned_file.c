/* SPDX-License-Identifier: Apache-2.0 */
/* Make files that belong to the service's user, whoever makes them. */
#include "connectd/store/owned_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

static int give_to_owner_of_folder(int fd, const char *path)
{
	_cleanup_free_ char *copy = strdup(path);
	struct stat folder;

	if (copy == NULL || stat(dirname(copy), &folder) != 0)
		return -1;
	return fchown(fd, folder.st_uid, folder.st_gid);
}

int owned_file_create(const char *path)
{
	/* Only new files change owner: an existing name may be a link to anything. */
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int reason;

	if (fd < 0 || geteuid() != 0 || give_to_owner_of_folder(fd, path) == 0)
		return fd;
	reason = errno;
	close(fd);
	unlink(path);
	errno = reason;
	return -1;
}
