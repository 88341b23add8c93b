/* SPDX-License-Identifier: Apache-2.0 */
/* What an intruder would do who has taken over fetch in libcurl: preloaded in front of it by
 * sandbox.bats and next_command.bats. Which of it is the first character of INTRUSION. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define INTRUSION "/usr/share/intrusion"
/* A line of authorized_keys of the intruder's own */
#define KEY "/usr/share/intruder.pub"

static char kind(void)
{
	char first = '-';
	int fd = open(INTRUSION, O_RDONLY);

	read(fd, &first, 1);
	close(fd);
	return first;
}

/* Only fetch has one for its answers. */
static int real_perform(void *easy)
{
	int (*perform)(void *) = NULL;

	*(void **)&perform = dlsym(RTLD_NEXT, "curl_easy_perform");
	return perform(easy);
}

static int is_fetch;

int curl_easy_perform(void *easy);
int curl_easy_perform(void *easy)
{
	char path[64], line[1024];
	int in, out;
	ssize_t length;

	is_fetch = 1;
	if (kind() == 'h')
		return real_perform(easy);
	in = open(KEY, O_RDONLY);
	length = read(in, line, sizeof line);
	if (kind() == 'o') {
		snprintf(path, sizeof path, "/proc/%d/fd/1", (int)getppid());
		out = open(path, O_WRONLY);
		if (out >= 0 && length > 0)
			write(out, line, (size_t)length);
	}
	_exit(0);
}

/* Once it has answered, it does not see that it is no longer needed. */
ssize_t recv(int fd, void *bytes, size_t length, int flags)
{
	if (fd == 0 && is_fetch && kind() == 'h')
		for (;;)
			poll(NULL, 0, -1);
	return recvfrom(fd, bytes, length, flags, NULL, NULL);
}
