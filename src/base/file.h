/* SPDX-License-Identifier: Apache-2.0 */
/* Read, replace, remove and restore small files as a whole. */
#ifndef EXC_BASE_FILE_H
#define EXC_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>

#define FILE_BYTES_MAX (256 * 1024)
#define FILE_BACKUP_MAX 16

/* Read a whole file, with a NUL after it; the caller frees. NULL with errno; EFBIG for more than
 * FILE_BYTES_MAX bytes. */
char *file_read(const char *path, size_t *length);

/* Replace a whole file (rename(2)), keeping its owner and mode; a new one is root's, 0644, and so
 * is its directory, 0755, if that is missing. False with errno. */
bool file_replace(const char *path, const char *text, size_t length);

/* Remove a file. True also if there was no such file; false with errno. */
bool file_remove(const char *path);

/* Remove the directory of this file if it is empty. */
void file_remove_empty_folder(const char *path);

/* Files as they were. `paths` are constants. */
struct file_backup {
	unsigned int count;
	struct {
		const char *path;
		bool existed;
		char *text;
		size_t length;
	} files[FILE_BACKUP_MAX];
};

/* Remember up to FILE_BACKUP_MAX files. False, with `why`, when one cannot be read. */
bool file_backup_save(struct file_backup *backup, const char *const *paths, unsigned int count,
		      char *why, size_t size);

/* Put all of them back, byte by byte, and remove those that did not exist, and their directories if
 * now empty. False, with `why`, when one of them failed. */
bool file_backup_restore(const struct file_backup *backup, char *why, size_t size);

void file_backup_forget(struct file_backup *backup);

/* "PATH: text of errno" into `why`; always false, for a caller to return. */
bool file_say_errno(char *why, size_t size, const char *path);

#endif
