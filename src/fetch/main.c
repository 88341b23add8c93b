/* SPDX-License-Identifier: Apache-2.0 */
/* fetch: ask the metadata endpoint for the agent, which verifies what comes. */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fetch/endpoint.h"
#include "fetch/protocol.h"
#include "fetch/transfer.h"
#include "sandbox/sandbox.h"

#define SOCKET STDIN_FILENO
/* Seconds after which this process ends, whoever still waits for it */
#define SECONDS_MAX 120
/* sysexits.h's: smaller numbers are walls */
#define EXIT_USAGE 64

/* False at the end, as when the agent ends */
static bool receive(void *out, size_t length)
{
	char *at = out;

	while (length > 0) {
		const ssize_t got = recv(SOCKET, at, length, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		at += got;
		length -= (size_t)got;
	}
	return true;
}

static bool transmit(const void *bytes, size_t length)
{
	const char *at = bytes;

	while (length > 0) {
		const ssize_t sent = send(SOCKET, at, length, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return false;
		at += sent;
		length -= (size_t)sent;
	}
	return true;
}

/* Split what was received. False if these are not FETCH_TEXTS texts. */
static bool split(const char *bytes, size_t length, const char *texts[FETCH_TEXTS])
{
	for (size_t i = 0; i < FETCH_TEXTS; i++) {
		const char *end = length == 0 ? NULL : memchr(bytes, '\0', length);

		if (end == NULL)
			return false;
		texts[i] = bytes;
		length -= (size_t)(end + 1 - bytes);
		bytes = end + 1;
	}
	return length == 0;
}

/* Answer one request. False when there is none, or it cannot be answered. */
static bool serve(const char *unresolved)
{
	static char bytes[FETCH_TEXTS_BYTES_MAX];
	const char *texts[FETCH_TEXTS], *text = unresolved;
	struct fetch_request request;
	struct fetch_answer answer = { .result = FETCH_UNREACHABLE };

	if (!receive(&request, sizeof request) || request.length > sizeof bytes ||
	    request.bytes_max > FETCH_BODY_BYTES_MAX || !receive(bytes, request.length) ||
	    !split(bytes, request.length, texts))
		return false;
	if (unresolved != NULL)
		answer.length = (uint32_t)strlen(unresolved);
	else
		answer = transfer_ask(&request, texts, &text);
	return transmit(&answer, sizeof answer) && transmit(text, answer.length);
}

int main(int argc, char **argv)
{
	const bool tries = argc == 3 && strcmp(argv[1], "--try-sandbox") == 0;
	const bool open = argc == 3 && strcmp(argv[1], "--no-sandbox") == 0;
	const char *url = argv[argc - 1], *unresolved = NULL;
	char resolved[ENDPOINT_RESOLVED_SIZE] = "";
	struct endpoint endpoint;
	struct sandbox walls;

	if (argc < 2 || (argc > 2 && !tries && !open)) {
		fputs("Usage: fetch [--no-sandbox | --try-sandbox] URL\n"
		      "The agent's, which asks by standard input: exc-instance-connect(1)\n",
		      stderr);
		return EXIT_USAGE;
	}
	if (!endpoint_from_url(url, &endpoint))
		unresolved = "that is not a usable address";
	walls = endpoint_walls(&endpoint);
	if (tries)
		return (int)sandbox_try(&walls);
	/* Looking up a name can take longer than the agent waits, and cannot see that it has ended.
	 */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGALRM, SIG_DFL);
	alarm(SECONDS_MAX);
	if (unresolved == NULL && endpoint.named)
		unresolved = endpoint_resolve(&endpoint, resolved);
	if (unresolved == NULL && !transfer_prepare(url, &endpoint, resolved))
		unresolved = "not enough memory to ask";
	if (!open)
		sandbox_enter(&walls);
	while (serve(unresolved))
		;
	/* The kernel cleans up faster than the libraries. */
	_exit(EXIT_SUCCESS);
}
