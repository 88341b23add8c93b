/* SPDX-License-Identifier: Apache-2.0 */
/* The one fetch program of this process, which has the network for it. */
#include "agent/http/fetch_process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/run_program.h"
#include "sandbox/sandbox.h"

#define FETCH_PROGRAM PROGRAMDIR "/fetch"
#define TRY_SECONDS_MAX 5

extern char **environ;

static struct {
	bool was_tried;
	bool is_last; /* there can be no other */
	int error; /* of the attempt */
	int fd; /* -1: there is none, or none any more */
	pid_t pid;
	bool is_ending; /* it was told to */
} fetch = { .fd = -1 };

/* With `fd` as its input and output: what reads our standard output would wait for its end, too. */
static int spawn(const struct config *config, int fd)
{
	const char *const argv[] = { FETCH_PROGRAM,
				     config->sandbox ? config->metadata_url : "--no-sandbox",
				     config->sandbox ? NULL : config->metadata_url, NULL };
	posix_spawn_file_actions_t actions;
	int error = posix_spawn_file_actions_init(&actions);

	if (error != 0)
		return error;
	error = posix_spawn_file_actions_adddup2(&actions, fd, STDIN_FILENO);
	if (error == 0)
		error = posix_spawn_file_actions_adddup2(&actions, fd, STDOUT_FILENO);
	if (error == 0)
		error = posix_spawn(&fetch.pid, argv[0], &actions, NULL, (char *const *)argv,
				    environ);
	posix_spawn_file_actions_destroy(&actions);
	return error;
}

/* Forget one that is of no further use, so that the next start is another attempt. */
static void end(void)
{
	if (fetch.fd >= 0)
		close(fetch.fd);
	fetch.fd = -1;
	if (fetch.is_last || !fetch.was_tried || fetch.error != 0)
		return;
	kill(fetch.pid, SIGKILL);
	while (waitpid(fetch.pid, NULL, 0) < 0 && errno == EINTR)
		;
	fetch.was_tried = false;
}

/* It ends by itself after a while. */
static bool has_ended(void)
{
	char byte;

	return fetch.fd >= 0 && recv(fetch.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

int fetch_process_start(const struct config *config)
{
	int ends[2];

	if (has_ended())
		end();
	if (fetch.was_tried)
		return fetch.error;
	fetch.was_tried = true;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
		return fetch.error = errno;
	fetch.error = spawn(config, ends[1]);
	close(ends[1]);
	if (fetch.error == 0)
		fetch.fd = ends[0];
	else
		close(ends[0]);
	return fetch.error;
}

void fetch_process_keep(void)
{
	fetch.is_last = true;
}

void fetch_process_hand_over(char text[FETCH_PROCESS_TEXT_SIZE])
{
	fcntl(fetch.fd, F_SETFD, 0);
	snprintf(text, FETCH_PROCESS_TEXT_SIZE, "%d:%d", fetch.fd, (int)fetch.pid);
}

bool fetch_process_take_over(const char *text)
{
	char end;
	int pid;

	if (sscanf(text, "%d:%d%c", &fetch.fd, &pid, &end) != 2 || fetch.fd <= STDERR_FILENO ||
	    pid <= 1 || fcntl(fetch.fd, F_SETFD, FD_CLOEXEC) != 0) {
		fetch.fd = -1;
		return false;
	}
	fetch.was_tried = true;
	fetch.pid = pid;
	return true;
}

/* Whatever came after a failure would answer an earlier question. */
static bool fail(int error)
{
	end();
	errno = error;
	return false;
}

bool fetch_process_send(const void *bytes, size_t length)
{
	const char *at = bytes;

	while (length > 0) {
		/* The socket holds more than one request. */
		const ssize_t sent = send(fetch.fd, at, length, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0)
			return fail(EPIPE);
		at += sent;
		length -= (size_t)sent;
	}
	return true;
}

bool fetch_process_receive(void *bytes, size_t length, int64_t deadline)
{
	char *at = bytes;

	while (length > 0) {
		struct pollfd ready = { .fd = fetch.fd, .events = POLLIN };
		const int64_t left = deadline - clock_monotonic_ms();
		const int polled = left <= 0 ? 0 : poll(&ready, 1, (int)left);
		ssize_t got;

		if (polled == 0)
			return fail(ETIMEDOUT);
		got = polled < 0 ? -1 : recv(fetch.fd, at, length, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return fail(EPIPE);
		at += got;
		length -= (size_t)got;
	}
	return true;
}

unsigned int fetch_process_try(const struct config *config)
{
	const char *const argv[] = { FETCH_PROGRAM, "--try-sandbox", config->metadata_url, NULL };
	char output[1];
	const int walls = run_program(argv, output, sizeof output, TRY_SECONDS_MAX);

	return walls > 0 && walls < 1 << SANDBOX_WALLS ? (unsigned int)walls : 0;
}

void fetch_process_end(void)
{
	if (fetch.fd < 0)
		return;
	close(fetch.fd);
	fetch.fd = -1;
	fetch.is_ending = true;
}

void fetch_process_stop(void)
{
	fetch_process_end();
	while (fetch.is_ending && waitpid(fetch.pid, NULL, 0) < 0 && errno == EINTR)
		;
	fetch.is_ending = false;
}
