/* SPDX-License-Identifier: Apache-2.0 */
/* A process for one user that holds one-time keys until the ssh that each is for has signed. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "base/clock.h"
#include "base/process.h"
#include "cli/key_agent/agent.h"
#include "cli/key_agent/agent_protocol.h"
#include "base/cleanup.h"

#define LENGTH_BYTES 4
/* Between two checks for owners that have ended */
#define SWEEP_MS 1000
/* The same while there is no key, but one is being brought */
#define IDLE_MS 50
/* No peer may keep us waiting for room in a socket. */
#define SEND_SECONDS 1

struct connection {
	int fd; /* -1: this slot is free */
	int64_t deadline;
	struct agent_peer peer;
	size_t length;
	uint8_t bytes[LENGTH_BYTES + AGENT_MESSAGE_BYTES_MAX];
};

struct agent {
	int listener;
	struct key_table table;
	struct connection connections[AGENT_CONNECTIONS_MAX];
	struct pollfd polled[AGENT_CONNECTIONS_MAX + 1];
};

static struct owner owner_of(pid_t pid, pid_t *parent)
{
	struct process process;
	struct owner owner = { .pid = 0 };

	if (process_read(pid, &process)) {
		owner = (struct owner){ .pid = pid, .start = process.start };
		*parent = process.parent;
	}
	return owner;
}

/* The user's own processes only. */
static bool identify(int fd, struct agent_peer *peer)
{
	struct ucred credentials;
	socklen_t length = sizeof credentials;
	pid_t parent = 0, ignored;

	memset(peer, 0, sizeof *peer);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0 ||
	    credentials.uid != geteuid() || credentials.pid <= 0)
		return false;
	peer->process = owner_of(credentials.pid, &parent);
	if (parent > 1)
		peer->parent = owner_of(parent, &ignored);
	return peer->process.pid != 0;
}

static void drop(struct connection *connection)
{
	close(connection->fd);
	OPENSSL_cleanse(connection->bytes, connection->length);
	connection->length = 0;
	connection->fd = -1;
}

static struct connection *free_place(struct agent *agent)
{
	for (size_t i = 0; i < AGENT_CONNECTIONS_MAX; i++)
		if (agent->connections[i].fd < 0)
			return &agent->connections[i];
	return NULL;
}

static void accept_one(struct agent *agent)
{
	const struct timeval patience = { .tv_sec = SEND_SECONDS };
	struct connection *connection = free_place(agent);
	int fd = accept4(agent->listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	if (connection == NULL || !identify(fd, &connection->peer)) {
		close(fd);
		return;
	}
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	connection->fd = fd;
	connection->deadline = clock_boottime() + AGENT_CONNECTION_SECONDS;
}

/* Answer the first message if it is complete. False when the connection is to be closed. */
static bool answer_first(struct agent *agent, struct connection *connection, bool *answered)
{
	struct wire_reader reader = { .bytes = connection->bytes, .left = connection->length };
	struct wire_writer reply, framed = { .length = 0 };
	uint32_t length = 0;
	size_t whole;

	*answered = false;
	if (!wire_get_uint32(&reader, &length))
		return true;
	if (length == 0 || length > AGENT_MESSAGE_BYTES_MAX)
		return false;
	if (reader.left < length)
		return true;
	agent_answer(&agent->table, &connection->peer, clock_boottime(), reader.bytes, length,
		     &reply);
	wire_put_string(&framed, reply.bytes, reply.length);
	whole = LENGTH_BYTES + length;
	connection->length -= whole;
	memmove(connection->bytes, connection->bytes + whole, connection->length);
	OPENSSL_cleanse(connection->bytes + connection->length, whole);
	*answered = true;
	return !framed.full && send(connection->fd, framed.bytes, framed.length, MSG_NOSIGNAL) ==
				       (ssize_t)framed.length;
}

/* Read once, and answer what is there: each answer removes a message. */
static bool serve_connection(struct agent *agent, struct connection *connection)
{
	ssize_t got = recv(connection->fd, connection->bytes + connection->length,
			   sizeof connection->bytes - connection->length, MSG_DONTWAIT);
	bool answered = true;

	if (got < 0)
		return errno == EAGAIN || errno == EINTR;
	if (got == 0)
		return false;
	connection->length += (size_t)got;
	while (answered)
		if (!answer_first(agent, connection, &answered))
			return false;
	return true;
}

static void wait_and_serve(struct agent *agent, int timeout)
{
	size_t count = 1;

	agent->polled[0] = (struct pollfd){ .fd = free_place(agent) == NULL ? -1 : agent->listener,
					    .events = POLLIN };
	for (size_t i = 0; i < AGENT_CONNECTIONS_MAX; i++, count++)
		agent->polled[count] =
			(struct pollfd){ .fd = agent->connections[i].fd, .events = POLLIN };
	if (poll(agent->polled, count, timeout) < 0)
		return;
	for (size_t i = 0; i < AGENT_CONNECTIONS_MAX; i++) {
		struct connection *connection = &agent->connections[i];

		if (connection->fd < 0)
			continue;
		if ((agent->polled[i + 1].revents != 0 && !serve_connection(agent, connection)) ||
		    clock_boottime() >= connection->deadline)
			drop(connection);
	}
	if (agent->polled[0].revents != 0)
		accept_one(agent);
}

/* Is nobody bringing a key, now and until the socket is gone? */
static bool may_end(const char *folder)
{
	char lock_path[PATH_MAX], socket_path[PATH_MAX];
	_cleanup_close_ int lock = -1;

	snprintf(lock_path, sizeof lock_path, "%s/" AGENT_LOCK, folder);
	snprintf(socket_path, sizeof socket_path, "%s/" AGENT_SOCKET, folder);
	lock = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) != 0)
		return false;
	unlink(socket_path);
	return true;
}

void agent_serve(int listener, const char *folder)
{
	struct agent *agent = calloc(1, sizeof *agent);
	unsigned int left = 0;

	if (agent == NULL || !key_table_make(&agent->table)) {
		free(agent);
		return;
	}
	agent->listener = listener;
	for (size_t i = 0; i < AGENT_CONNECTIONS_MAX; i++)
		agent->connections[i].fd = -1;
	/* Bounded by the keys' lives: each is gone after AGENT_LIFETIME_MAX at the latest. */
	while (left > 0 || !may_end(folder)) {
		wait_and_serve(agent, left > 0 ? SWEEP_MS : IDLE_MS);
		left = key_table_sweep(&agent->table, clock_boottime());
	}
	for (size_t i = 0; i < AGENT_CONNECTIONS_MAX; i++)
		if (agent->connections[i].fd >= 0)
			drop(&agent->connections[i]);
	key_table_free(&agent->table);
	free(agent);
}
