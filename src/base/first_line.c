/* SPDX-License-Identifier: Apache-2.0 */
/* The first line of a small file, such as those in /sys. */
#include "base/first_line.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

void first_line(const char *path, char line[FIRST_LINE_SIZE])
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	ssize_t got = fd < 0 ? -1 : read(fd, line, FIRST_LINE_SIZE - 1);
	char *start, *end;

	line[got < 0 ? 0 : got] = '\0';
	start = line + strspn(line, " \t");
	start[strcspn(start, "\r\n")] = '\0';
	end = start + strlen(start);
	while (end > start && (end[-1] == ' ' || end[-1] == '\t'))
		*--end = '\0';
	memmove(line, start, strlen(start) + 1);
}
