/* SPDX-License-Identifier: Apache-2.0 */
/* Run another program, with a bound on its time and on what it may say. */
#include "agent/run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static long long now_ms(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000LL + time.tv_nsec / 1000000;
}

/* Start it with both of its outputs going into `fd`. */
static bool start(const char *const *argv, int fd, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	bool started;

	if (posix_spawn_file_actions_init(&actions) != 0)
		return false;
	started = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY,
						   0) == 0 &&
		  posix_spawn_file_actions_adddup2(&actions, fd, STDOUT_FILENO) == 0 &&
		  posix_spawn_file_actions_adddup2(&actions, fd, STDERR_FILENO) == 0 &&
		  posix_spawn(pid, argv[0], &actions, NULL, (char *const *)argv, environ) == 0;
	posix_spawn_file_actions_destroy(&actions);
	return started;
}

/* Read until the end of what it says. False when its time is over first. */
static bool gather(int fd, char *output, size_t size, long long deadline)
{
	size_t length = 0;

	output[0] = '\0';
	for (;;) {
		struct pollfd ready = { .fd = fd, .events = POLLIN };
		long long left = deadline - now_ms();
		char rest[512];
		bool full = length + 1 >= size;
		ssize_t got;

		if (left <= 0 || poll(&ready, 1, (int)left) == 0)
			return false;
		got = full ? read(fd, rest, sizeof rest)
			   : read(fd, output + length, size - 1 - length);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return true;
		if (full)
			continue;
		length += (size_t)got;
		output[length] = '\0';
	}
}

int run_program(const char *const *argv, char *output, size_t size, unsigned int seconds)
{
	bool in_time, started;
	int ends[2], status;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return RUN_FAILED;
	started = start(argv, ends[1], &pid);
	close(ends[1]);
	if (!started) {
		close(ends[0]);
		return RUN_FAILED;
	}
	in_time = gather(ends[0], output, size, now_ms() + 1000LL * seconds);
	close(ends[0]);
	if (!in_time)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!in_time)
		return RUN_FAILED;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
