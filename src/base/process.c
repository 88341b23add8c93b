/* SPDX-License-Identifier: Apache-2.0 */
/* Read what /proc tells of a process (proc(5)). */
#include "base/process.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

/* 52 numbers and a name */
#define STAT_BYTES_MAX 2048
/* The user comes early in it; a part is enough. */
#define STATUS_BYTES_MAX 1024
/* Fields 5 to 21 */
#define SKIP_17 " %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s"

/* Read a file of /proc/PID whole, with a NUL behind it. False if it cannot be read. */
static bool read_file(pid_t pid, const char *name, char *text, size_t size)
{
	_cleanup_close_ int fd = -1;
	char path[32];
	ssize_t got;

	snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	got = fd < 0 ? -1 : read(fd, text, size - 1);
	if (got <= 0)
		return false;
	text[got] = '\0';
	return true;
}

bool process_read(pid_t pid, struct process *process)
{
	char text[STAT_BYTES_MAX];
	const char *open_bracket, *close_bracket;
	size_t name_length;
	int parent;

	memset(process, 0, sizeof *process);
	if (!read_file(pid, "stat", text, sizeof text))
		return false;
	/* A name may hold anything, brackets and spaces included: the last bracket ends it. */
	open_bracket = strchr(text, '(');
	close_bracket = strrchr(text, ')');
	if (open_bracket == NULL || close_bracket == NULL || close_bracket < open_bracket)
		return false;
	name_length = (size_t)(close_bracket - open_bracket - 1);
	if (name_length >= sizeof process->name)
		name_length = sizeof process->name - 1;
	memcpy(process->name, open_bracket + 1, name_length);
	/* Field 4 is the parent, field 22 the start. */
	if (sscanf(close_bracket + 1, " %*c %d" SKIP_17 " %" SCNu64, &parent, &process->start) != 2)
		return false;
	process->pid = pid;
	process->parent = parent;
	return true;
}

bool process_real_uid(pid_t pid, uid_t *uid)
{
	char text[STATUS_BYTES_MAX];
	const char *line;
	unsigned int real;

	/* In its first line, the name, line feeds are escaped. */
	if (!read_file(pid, "status", text, sizeof text))
		return false;
	line = strstr(text, "\nUid:");
	if (line == NULL || sscanf(line, "\nUid: %u", &real) != 1)
		return false;
	*uid = (uid_t)real;
	return true;
}
