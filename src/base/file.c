/* SPDX-License-Identifier: Apache-2.0 */
/* Read, replace, remove and restore small files as a whole. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

#define PATH_SIZE 256

bool file_say_errno(char *why, size_t size, const char *path)
{
	snprintf(why, size, "%s: %s", path, strerror(errno));
	return false;
}

char *file_read(const char *path, size_t *length)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char *text = fd < 0 ? NULL : malloc(FILE_BYTES_MAX + 1);
	ssize_t got = 1;

	if (text == NULL)
		return NULL;
	*length = 0;
	while (*length <= FILE_BYTES_MAX && got > 0) {
		got = read(fd, text + *length, FILE_BYTES_MAX + 1 - *length);
		if (got > 0)
			*length += (size_t)got;
	}
	if (got == 0 && *length <= FILE_BYTES_MAX) {
		text[*length] = '\0';
		return text;
	}
	if (got >= 0)
		errno = EFBIG;
	free(text);
	return NULL;
}

/* The directory that a path is in. */
static void folder_of(const char *path, char folder[PATH_SIZE])
{
	const char *slash = strrchr(path, '/');

	snprintf(folder, PATH_SIZE, "%.*s", slash == NULL ? 0 : (int)(slash - path), path);
}

bool file_replace(const char *path, const char *text, size_t length)
{
	char unfinished[PATH_SIZE + 16], folder[PATH_SIZE];
	struct stat status = { .st_mode = 0644 };
	bool good;
	int fd;

	if (stat(path, &status) != 0 && errno != ENOENT)
		return false;
	folder_of(path, folder);
	if (mkdir(folder, 0755) == 0)
		chmod(folder, 0755); /* whatever the umask */
	snprintf(unfinished, sizeof unfinished, "%s.exc-new", path);
	unlink(unfinished);
	fd = open(unfinished, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	good = write(fd, text, length) == (ssize_t)length &&
	       fchown(fd, status.st_uid, status.st_gid) == 0 &&
	       fchmod(fd, status.st_mode & 07777) == 0 && fsync(fd) == 0;
	close(fd);
	if (good && rename(unfinished, path) == 0)
		return true;
	unlink(unfinished);
	return false;
}

bool file_remove(const char *path)
{
	return unlink(path) == 0 || errno == ENOENT || errno == ENOTDIR;
}

void file_remove_empty_folder(const char *path)
{
	char folder[PATH_SIZE];

	folder_of(path, folder);
	rmdir(folder);
}

bool file_backup_save(struct file_backup *backup, const char *const *paths, unsigned int count,
		      char *why, size_t size)
{
	memset(backup, 0, sizeof *backup);
	for (unsigned int i = 0; i < count && i < FILE_BACKUP_MAX; i++) {
		backup->files[i].path = paths[i];
		backup->files[i].text = file_read(paths[i], &backup->files[i].length);
		backup->files[i].existed = backup->files[i].text != NULL;
		if (!backup->files[i].existed && errno != ENOENT && errno != ENOTDIR) {
			file_say_errno(why, size, paths[i]);
			file_backup_forget(backup);
			return false;
		}
		backup->count++;
	}
	return true;
}

static bool put_back(const struct file_backup *backup, unsigned int i)
{
	size_t length;
	_cleanup_free_ char *now = file_read(backup->files[i].path, &length);

	if (!backup->files[i].existed && now == NULL)
		return true;
	if (!backup->files[i].existed) {
		if (!file_remove(backup->files[i].path))
			return false;
		file_remove_empty_folder(backup->files[i].path);
		return true;
	}
	/* An unchanged file is not written: a full disk could refuse that. */
	if (now != NULL && length == backup->files[i].length &&
	    memcmp(now, backup->files[i].text, length) == 0)
		return true;
	return file_replace(backup->files[i].path, backup->files[i].text, backup->files[i].length);
}

bool file_backup_restore(const struct file_backup *backup, char *why, size_t size)
{
	bool good = true;

	/* As many as possible, then report the failures. */
	for (unsigned int i = 0; i < backup->count; i++)
		if (!put_back(backup, i))
			good = file_say_errno(why, size, backup->files[i].path);
	return good;
}

void file_backup_forget(struct file_backup *backup)
{
	for (unsigned int i = 0; i < backup->count; i++)
		free(backup->files[i].text);
	backup->count = 0;
}
