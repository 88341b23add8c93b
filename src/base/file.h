/* SPDX-License-Identifier: Apache-2.0 */
/* Read, replace, remove and put back small files, whole. */
#ifndef EXC_FILE_H
#define EXC_FILE_H

#include <stdbool.h>
#include <stddef.h>

#define FILE_BYTES_MAX (256 * 1024)
#define FILE_BACKUP_MAX 16

/* Read a whole file, with a NUL after it; the caller frees. NULL with errno, also for one of more
 * than FILE_BYTES_MAX bytes (EFBIG). */
char *file_read(const char *path, size_t *length);

/* Replace a file whole (rename(2)), keeping its owner and mode; a new one is root's, 0644, and so
 * is its folder, 0755, if that is missing. False with errno. */
bool file_replace(const char *path, const char *text, size_t length);

/* Remove a file; one that is not there is removed. False with errno. */
bool file_remove(const char *path);

/* Remove the folder of this file if nothing is in it. */
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

/* Put all of them back, byte by byte, and remove those that were not there, and their folders if
 * these are then empty. False, with `why`, when one of them could not be. */
bool file_backup_restore(const struct file_backup *backup, char *why, size_t size);

void file_backup_forget(struct file_backup *backup);

/* "PATH: what errno says" into `why`; always false, for a caller to return. */
bool file_say_errno(char *why, size_t size, const char *path);

#endif
