/* SPDX-License-Identifier: Apache-2.0 */
/* Open a serial console: a Unix socket as qemu and libvirt make it, or a terminal. */
#include "connectd/socket/console_device.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>

#include "base/cleanup.h"

static int connect_to(const char *path, const char **problem)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) == 0)
		return fd;
	*problem = errno == EAGAIN ? "others already wait for this console"
				   : "nothing answers at this console: is the instance running?";
	if (fd >= 0)
		close(fd);
	return -1;
}

static bool make_raw(int fd)
{
	struct termios mode;

	if (tcgetattr(fd, &mode) != 0)
		return false;
	cfmakeraw(&mode);
	mode.c_cflag |= CLOCAL;
	return tcsetattr(fd, TCSANOW, &mode) == 0;
}

static int open_terminal(const char *path, const char **problem)
{
	int fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0 && isatty(fd) && make_raw(fd))
		return fd;
	*problem = "this console is a device that cannot be opened as a terminal";
	if (fd >= 0)
		close(fd);
	return -1;
}

int console_open(const char *path, const char **problem)
{
	/* Open exactly what was checked, even if someone renames files meanwhile. */
	_cleanup_close_ int place = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	char by_descriptor[32];
	struct stat status;

	snprintf(by_descriptor, sizeof by_descriptor, "/proc/self/fd/%d", place);
	if (place < 0 || fstat(place, &status) != 0)
		*problem = "this console does not exist: is the instance running?";
	else if (S_ISSOCK(status.st_mode))
		return connect_to(by_descriptor, problem);
	else if (S_ISCHR(status.st_mode))
		return open_terminal(by_descriptor, problem);
	else
		*problem = "this console is neither a socket nor a terminal";
	return -1;
}
