/* SPDX-License-Identifier: Apache-2.0 */
/* What an intruder would do who has taken over the agent in its JSON parser: preloaded in front of
 * cJSON by sandbox.bats. Which of it is the first character of INTRUSION. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* Where everybody may read */
#define INTRUSION "/usr/share/intrusion"
/* Where everybody may write */
#define BOOTY "/run/booty/"

static void leave_a_mark(const char *path)
{
	close(open(path, O_WRONLY | O_CREAT, 0600));
}

static void reach(unsigned short port)
{
	const struct sockaddr_in there = { .sin_family = AF_INET,
					   .sin_port = htons(port),
					   .sin_addr.s_addr = htonl(0x7f000001) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (connect(fd, (const struct sockaddr *)&there, sizeof there) == 0)
		write(fd, "booty\n", 6);
}

void *cJSON_ParseWithLength(const char *text, size_t length);
void *cJSON_ParseWithLength(const char *text, size_t length)
{
	char *const shell[] = { "sh", "-c", "touch " BOOTY "shell", NULL };
	int fd = open(INTRUSION, O_RDONLY);
	char kind = '-';

	(void)text;
	(void)length;
	read(fd, &kind, 1);
	if (kind == 's')
		execv("/bin/sh", shell);
	if (kind == 'w')
		leave_a_mark(BOOTY "written");
	if (kind == 'c')
		reach(9);
	if (kind == 'm')
		while (malloc(1024 * 1024) != NULL)
			;
	_exit(0);
}
