/* SPDX-License-Identifier: Apache-2.0 */
/* Run another program, with limits on its time and its output. */
#include "base/run_program.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

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

bool run_start(const char *const *argv, struct run_output *output, enum run_errors errors,
	       struct running *running)
{
	int ends[2], started;

	output->text[0] = '\0';
	output->length = 0;
	output->cut = false;
	if (pipe2(ends, O_CLOEXEC) != 0)
		return false;
	started = start_program(argv, ends[1], errors, &running->pid);
	close(ends[1]);
	running->fd = started == 0 ? ends[0] : -1;
	if (started == 0)
		return true;
	close(ends[0]);
	errno = started;
	return false;
}

/* Milliseconds to wait for at most. */
static int time_left(int64_t deadline)
{
	const int64_t left = deadline - clock_monotonic_ms();

	return left <= 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

/* Read some of its output. False at its end. */
static bool read_some(struct running *running, struct run_output *output)
{
	const size_t room = output->size - 1 - output->length;
	char rest[512];
	ssize_t got;

	do
		got = room == 0 ? read(running->fd, rest, sizeof rest)
				: read(running->fd, output->text + output->length, room);
	while (got < 0 && errno == EINTR);
	if (got <= 0)
		return false;
	if (room == 0) {
		output->cut = true;
		return true;
	}
	output->length += (size_t)got;
	output->text[output->length] = '\0';
	return true;
}

/* Has whoever reads from this pipe gone? */
static bool is_unread(int reader)
{
	struct pollfd writes = { .fd = reader };

	return reader >= 0 && poll(&writes, 1, 0) > 0 && (writes.revents & POLLERR) != 0;
}

enum run_state run_wait(struct running *running, struct run_output *output, int64_t deadline,
			int reader, int *status)
{
	const struct timespec pause = { .tv_nsec = REAP_PAUSE_MS * 1000000L };

	while (running->fd >= 0) {
		struct pollfd ready[] = { { .fd = running->fd, .events = POLLIN },
					  { .fd = reader } };
		const int left = time_left(deadline);

		if (left == 0)
			return RUN_LATE;
		/* A descriptor below zero is left out (poll(2)). */
		if (poll(ready, 2, left) <= 0)
			continue;
		if ((ready[1].revents & POLLERR) != 0)
			return RUN_UNREAD;
		if (ready[0].revents != 0 && !read_some(running, output)) {
			close(running->fd);
			running->fd = -1;
		}
	}
	/* Its end may come after that of its output. */
	for (;;) {
		if (waitpid(running->pid, status, WNOHANG) == running->pid)
			return RUN_ENDED;
		if (time_left(deadline) == 0)
			return RUN_LATE;
		if (is_unread(reader))
			return RUN_UNREAD;
		nanosleep(&pause, NULL);
	}
}

void run_kill(struct running *running)
{
	int status;

	kill(-running->pid, SIGKILL);
	if (running->fd >= 0)
		close(running->fd);
	while (waitpid(running->pid, &status, 0) < 0 && errno == EINTR)
		;
}

int run_exit_status(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int run_for_output(const char *const *argv, struct run_output *output, enum run_errors errors,
		   unsigned int timeout_ms)
{
	const int64_t deadline = clock_monotonic_ms() + timeout_ms;
	struct running running;
	int status;

	if (!run_start(argv, output, errors, &running))
		return RUN_FAILED;
	if (run_wait(&running, output, deadline, -1, &status) == RUN_ENDED)
		return run_exit_status(status);
	run_kill(&running);
	return RUN_TOO_LONG;
}

int run_program(const char *const *argv, char *output, size_t size, unsigned int seconds)
{
	struct run_output all = { .text = output, .size = size };

	return run_for_output(argv, &all, RUN_ERRORS_TAKEN, 1000 * seconds);
}
