/* SPDX-License-Identifier: Apache-2.0 */
/* Run another program, with limits on its time and its output. */
#include "base/run_program.h"
#include "base/clock.h"

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

/* How often to check whether a program that closed its output has ended */
#define REAP_PAUSE_MS 1

extern char **environ;

/* In its own process group, so that its children can be killed with it, and with the default action
 * for signals that this program ignores. */
static bool set_attributes(posix_spawnattr_t *attributes)
{
	sigset_t ignored;

	sigemptyset(&ignored);
	sigaddset(&ignored, SIGPIPE);
	return posix_spawnattr_setsigdefault(attributes, &ignored) == 0 &&
	       posix_spawnattr_setpgroup(attributes, 0) == 0 &&
	       posix_spawnattr_setflags(attributes,
					POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP) == 0;
}

static bool set_descriptors(posix_spawn_file_actions_t *actions, int fd, enum run_errors errors)
{
	if (posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0) !=
		    0 ||
	    posix_spawn_file_actions_adddup2(actions, fd, STDOUT_FILENO) != 0)
		return false;
	switch (errors) {
	case RUN_ERRORS_TAKEN:
		return posix_spawn_file_actions_adddup2(actions, fd, STDERR_FILENO) == 0;
	case RUN_ERRORS_DROPPED:
		return posix_spawn_file_actions_addopen(actions, STDERR_FILENO, "/dev/null",
							O_WRONLY, 0) == 0;
	case RUN_ERRORS_KEPT:
		break;
	}
	return true;
}

/* Start it with its output going into `fd`. Returns 0 or an errno. */
static int start_program(const char *const *argv, int fd, enum run_errors errors, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int result = ENOMEM;

	if (posix_spawn_file_actions_init(&actions) != 0)
		return result;
	if (posix_spawnattr_init(&attributes) == 0) {
		if (set_attributes(&attributes) && set_descriptors(&actions, fd, errors))
			result = posix_spawn(pid, argv[0], &actions, &attributes,
					     (char *const *)argv, environ);
		posix_spawnattr_destroy(&attributes);
	}
	posix_spawn_file_actions_destroy(&actions);
	return result;
}

/* Read its output to the end. False when its time is over first. */
static bool gather(int fd, struct run_output *output, long long deadline)
{
	output->length = 0;
	output->cut = false;
	output->text[0] = '\0';
	for (;;) {
		struct pollfd ready = { .fd = fd, .events = POLLIN };
		size_t room = output->size - 1 - output->length;
		long long left = deadline - clock_monotonic_ms();
		char rest[512];
		ssize_t got;

		if (left <= 0 || poll(&ready, 1, (int)left) == 0)
			return false;
		got = room == 0 ? read(fd, rest, sizeof rest)
				: read(fd, output->text + output->length, room);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return true;
		if (room == 0) {
			output->cut = true;
			continue;
		}
		output->length += (size_t)got;
		output->text[output->length] = '\0';
	}
}

/* Wait for its end, which may come after that of its output. False when its time is over first. */
static bool reap(pid_t pid, int *status, long long deadline)
{
	const struct timespec pause = { .tv_nsec = REAP_PAUSE_MS * 1000000L };

	for (;;) {
		if (waitpid(pid, status, WNOHANG) == pid)
			return true;
		if (clock_monotonic_ms() >= deadline)
			return false;
		nanosleep(&pause, NULL);
	}
}

int run_for_output(const char *const *argv, struct run_output *output, enum run_errors errors,
		   unsigned int timeout_ms)
{
	const long long deadline = clock_monotonic_ms() + (long long)timeout_ms;
	int ends[2], status = 0, started;
	bool in_time;
	pid_t pid;

	output->text[0] = '\0';
	if (pipe2(ends, O_CLOEXEC) != 0)
		return RUN_FAILED;
	started = start_program(argv, ends[1], errors, &pid);
	close(ends[1]);
	if (started != 0) {
		close(ends[0]);
		errno = started;
		return RUN_FAILED;
	}
	in_time = gather(ends[0], output, deadline) && reap(pid, &status, deadline);
	close(ends[0]);
	if (!in_time) {
		kill(-pid, SIGKILL);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
		return RUN_TOO_LONG;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int run_program(const char *const *argv, char *output, size_t size, unsigned int seconds)
{
	struct run_output all = { .text = output, .size = size };

	return run_for_output(argv, &all, RUN_ERRORS_TAKEN, 1000 * seconds);
}
