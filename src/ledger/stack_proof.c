/* SPDX-License-Identifier: Apache-2.0 */
/* Root's proof that every PAM service which names our module has to run it. */
#include "ledger/stack_proof.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/cleanup.h"

#define START                                                                                              \
	"# Every PAM service that names pam_exc_instance_connect.so runs it, as long as these files are\n" \
	"# as they are here: inode, ctime, size. Made by exc-instance-connect sshd status; do not edit.\n" \
	"pam-stack-proof 1\n"

/* libpam's fallback, see pam.conf(5) */
#define OTHER_SERVICE "/other"
/* Descriptors that are looked at: libpam has those of the lowest numbers that are free. */
#define DESCRIPTORS_MAX 64

/* The files that this process has open, and what they are of PAM's */
struct reading {
	struct stat open[DESCRIPTORS_MAX];
	unsigned int count;
	bool a_service, the_other;
};

static struct stack_file stack_file_of(const struct stat *status)
{
	return (struct stack_file){ .inode = status->st_ino,
				    .changed = clock_nanoseconds(&status->st_ctim),
				    .size = status->st_size };
}

static bool same_file(const struct stack_file *one, const struct stack_file *other)
{
	return one->inode == other->inode && one->changed == other->changed &&
	       one->size == other->size;
}

bool stack_file_look(const char *path, struct stack_file *file)
{
	struct stat status;

	errno = ENAMETOOLONG;
	if (strlen(path) >= sizeof file->path || stat(path, &status) != 0)
		return false;
	*file = stack_file_of(&status);
	snprintf(file->path, sizeof file->path, "%s", path);
	return true;
}

static int fitting(int length, size_t size)
{
	return length < 0 || (size_t)length >= size ? -1 : length;
}

int stack_proof_print_start(char *out, size_t size)
{
	return fitting(snprintf(out, size, "%s", START), size);
}

int stack_proof_print(const struct stack_file *file, char *out, size_t size)
{
	if (strchr(file->path, '\n') != NULL)
		return -1;
	return fitting(snprintf(out, size, "%" PRIu64 " %" PRId64 " %" PRId64 " %s\n", file->inode,
				file->changed, file->size, file->path),
		       size);
}

static void look_at_open(struct reading *reading)
{
	reading->count = 0;
	reading->a_service = reading->the_other = false;
	for (int fd = 0; fd < DESCRIPTORS_MAX; fd++)
		if (fstat(fd, &reading->open[reading->count]) == 0 &&
		    S_ISREG(reading->open[reading->count].st_mode))
			reading->count++;
}

/* Is this file one of those that are open? */
static void note_open(struct reading *reading, const struct stack_file *file)
{
	const char *slash = strrchr(file->path, '/');
	const bool is_other = slash != NULL && strcmp(slash, OTHER_SERVICE) == 0;

	for (unsigned int i = 0; i < reading->count; i++) {
		const struct stack_file open = stack_file_of(&reading->open[i]);

		if (!same_file(&open, file))
			continue;
		reading->the_other |= is_other;
		reading->a_service |= !is_other;
	}
}

/* One line, without its line feed. */
static bool line_holds(const char *line, struct reading *reading)
{
	struct stack_file then = { 0 }, now;
	int path = 0;

	if (sscanf(line, "%" SCNu64 " %" SCNd64 " %" SCNd64 " %n", &then.inode, &then.changed,
		   &then.size, &path) != 3 ||
	    line[path] != '/' || !stack_file_look(line + path, &now) || !same_file(&now, &then))
		return false;
	note_open(reading, &now);
	return true;
}

/* Read it whole. Returns its length, or -1. */
static ssize_t read_proof(const char *path, char text[STACK_PROOF_BYTES_MAX])
{
	_cleanup_close_ int fd =
		open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat status;
	ssize_t length;

	if (fd < 0 || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || status.st_uid != 0 ||
	    (status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return -1;
	length = read(fd, text, STACK_PROOF_BYTES_MAX - 1);
	if (length < 0 || length != status.st_size)
		return -1;
	text[length] = '\0';
	return length;
}

static bool holds(const char *path, struct reading *reading)
{
	char text[STACK_PROOF_BYTES_MAX];
	unsigned int lines = 0;
	char *line, *end;

	if (read_proof(path, text) < 0 || strncmp(text, START, strlen(START)) != 0)
		return false;
	/* Bounded by STACK_PROOF_BYTES_MAX */
	for (line = text + strlen(START); strcmp(line, STACK_PROOF_END) != 0;
	     line = end + 1, lines++) {
		end = strchr(line, '\n');
		if (end == NULL)
			return false;
		*end = '\0';
		if (!line_holds(line, reading))
			return false;
	}
	return lines > 0;
}

bool stack_proof_holds(const char *path)
{
	struct reading nothing;

	nothing.count = 0;
	return holds(path, &nothing);
}

bool stack_proof_holds_for_service(const char *path)
{
	struct reading reading;

	look_at_open(&reading);
	return holds(path, &reading) && reading.a_service && !reading.the_other;
}
