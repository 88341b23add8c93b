/* SPDX-License-Identifier: Apache-2.0 */
/* A file outside any file system: another program of the same user reads it by its path. */
#include "base/memory_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/secret_memory.h"

/* Since Linux 6.3, where a system may require it; older headers do not have it. */
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

static int make_descriptor(const char *name)
{
	const unsigned int flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int fd = memfd_create(name, flags | MFD_NOEXEC_SEAL);

	return fd < 0 && errno == EINVAL ? memfd_create(name, flags) : fd;
}

/* Our pid as /proc shows it, which in a container may differ from getpid(). */
static bool own_path(struct memory_file *file)
{
	char self[16];
	ssize_t length = readlink("/proc/self", self, sizeof self - 1);

	if (length <= 0)
		return false;
	self[length] = '\0';
	snprintf(file->path, sizeof file->path, "/proc/%s/fd/%d", self, file->fd);
	return true;
}

bool memory_file_make(struct memory_file *file, const char *name, const void *bytes, size_t length)
{
	file->bytes = NULL;
	file->size = length;
	file->fd = make_descriptor(name);
	/* ssh refuses a key that others could read. The size is sealed, so that the mapping stays
	 * whole; the content is not: it must be wiped later. */
	if (file->fd >= 0 && own_path(file) && fchmod(file->fd, 0600) == 0 &&
	    ftruncate(file->fd, (off_t)length) == 0 &&
	    fcntl(file->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
		file->bytes = secret_memory_map(length, file->fd, NULL);
	if (file->bytes == NULL) {
		memory_file_wipe(file);
		return false;
	}
	memcpy(file->bytes, bytes, length);
	return true;
}

void memory_file_wipe(struct memory_file *file)
{
	secret_memory_unmap(file->bytes, file->size);
	if (file->fd >= 0)
		close(file->fd);
	file->bytes = NULL;
	file->fd = -1;
}
