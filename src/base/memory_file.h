/* SPDX-License-Identifier: Apache-2.0 */
/* A file outside any file system: another program of the same user reads it by its path. */
#ifndef EXC_BASE_MEMORY_FILE_H
#define EXC_BASE_MEMORY_FILE_H

#include <stdbool.h>
#include <stddef.h>

#define MEMORY_FILE_PATH_SIZE 48

struct memory_file {
	int fd; /* -1: none */
	void *bytes; /* mapped, and locked into memory as far as allowed */
	size_t size;
	/* /proc/PID/fd/N with our own pid: ssh closes what it inherits, so that N is ours */
	char path[MEMORY_FILE_PATH_SIZE];
};

#define MEMORY_FILE_NONE                                                                           \
	{                                                                                          \
		.fd = -1                                                                           \
	}

/* Make a file with `length` bytes in it, at least one, that only its owner may open. It lasts until
 * memory_file_wipe(), or as long as this process. False with errno. */
bool memory_file_make(struct memory_file *file, const char *name, const void *bytes, size_t length);

/* Overwrite it with zeros, also for anyone who has it open, and close it. Safe to call twice. */
void memory_file_wipe(struct memory_file *file);
#define _cleanup_memory_file_ _cleanup_(memory_file_wipe)

#endif
