/* SPDX-License-Identifier: Apache-2.0 */
/* Set a terminal to raw mode and back, and ask on it. */
#include "cli/terminal/terminal.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

void terminal_set_raw(struct terminal *terminal, int fd)
{
	struct termios raw;

	memset(terminal, 0, sizeof *terminal);
	terminal->fd = fd;
	if (tcgetattr(fd, &terminal->before) != 0)
		return;
	raw = terminal->before;
	cfmakeraw(&raw);
	terminal->changed = tcsetattr(fd, TCSADRAIN, &raw) == 0;
}

void terminal_restore(struct terminal *terminal)
{
	if (terminal->changed)
		tcsetattr(terminal->fd, TCSADRAIN, &terminal->before);
	terminal->changed = false;
}

#define CONTROL_C 3
#define CONTROL_D 4
#define BACKSPACE 8
#define DELETE 127

/* One line, byte by byte: the rest is left to the next reader. Keys that a terminal handles itself
 * only arrive here in raw mode. */
static bool read_line(int fd, char *line, size_t size)
{
	size_t length = 0;
	char key;

	while (length < size && read(fd, &key, 1) == 1) {
		if (key == CONTROL_C || key == CONTROL_D)
			return false;
		if (key == '\n') {
			line[length] = '\0';
			return true;
		}
		if (key != BACKSPACE && key != DELETE)
			line[length++] = key;
		else if (length > 0)
			length--;
	}
	return false;
}

bool terminal_ask(const char *question, bool echo, char *answer, size_t size)
{
	_cleanup_close_ int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	struct termios before, quiet;
	sigset_t leaving, mask;
	bool good;

	if (fd < 0 || tcgetattr(fd, &before) != 0)
		return false;
	/* Echo must be restored on the way out: Ctrl-C comes as a byte. */
	sigemptyset(&leaving);
	sigaddset(&leaving, SIGINT);
	sigaddset(&leaving, SIGTERM);
	sigaddset(&leaving, SIGTSTP);
	quiet = before;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ICANON | ISIG);
	sigprocmask(SIG_BLOCK, &leaving, &mask);
	if (!echo)
		tcsetattr(fd, TCSAFLUSH, &quiet);
	dprintf(fd, "%s", question);
	good = read_line(fd, answer, size);
	if (!echo) {
		tcsetattr(fd, TCSAFLUSH, &before);
		dprintf(fd, "\n");
	}
	sigprocmask(SIG_SETMASK, &mask, NULL);
	return good;
}
