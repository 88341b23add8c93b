/* SPDX-License-Identifier: Apache-2.0 */
/* Connect to a host over TCP without blocking: names are resolved in a child process. */
#include "connectd/loop/dial.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

static void try_next(struct dial *dial);

static const struct watcher *watcher_of(const struct dial *dial)
{
	return dial->children->watcher;
}

static void dial_finish(struct dial *dial, int fd)
{
	void (*done)(struct dial * dial, int fd, const char *problem) = dial->done;

	dial_stop(dial);
	done(dial, fd, fd < 0 ? dial->problem : NULL);
}

static void on_timer(lws_sorted_usec_list_t *timer)
{
	struct dial *dial = lws_container_of(timer, struct dial, timer);

	watch_end(watcher_of(dial), &dial->connection);
	dial->problem = dial->names.fd >= 0 ? "its name was not resolved in time"
					    : "it did not answer in time";
	if (dial->names.fd >= 0 || lws_now_usecs() >= dial->deadline)
		dial_finish(dial, -1);
	else
		try_next(dial);
}

/* Call on_timer() in `seconds`, or at the overall deadline if that is earlier. */
static void set_timer(struct dial *dial, unsigned int seconds)
{
	lws_usec_t left = dial->deadline - lws_now_usecs();
	lws_usec_t wanted = (lws_usec_t)seconds * LWS_US_PER_SEC;

	lws_sul_schedule(watcher_of(dial)->context, 0, &dial->timer, on_timer,
			 left < 1        ? 1
			 : left < wanted ? left
					 : wanted);
}

static void on_connected(struct watch *watch, uint32_t events)
{
	struct dial *dial = lws_container_of(watch, struct dial, connection);
	int error = 0, fd;
	socklen_t size = sizeof error;

	(void)events;
	if (getsockopt(watch->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
		error = errno;
	if (error != 0) {
		dial->problem = strerror(error);
		watch_end(watcher_of(dial), watch);
		try_next(dial);
		return;
	}
	watch_set(watcher_of(dial), watch, 0);
	fd = watch->fd;
	watch->fd = -1;
	dial_finish(dial, fd);
}

static socklen_t set_port(struct sockaddr_storage *address, int port)
{
	if (address->ss_family == AF_INET) {
		((struct sockaddr_in *)address)->sin_port = htons((uint16_t)port);
		return sizeof(struct sockaddr_in);
	}
	((struct sockaddr_in6 *)address)->sin6_port = htons((uint16_t)port);
	return sizeof(struct sockaddr_in6);
}

static bool try_address(struct dial *dial, struct sockaddr_storage *address)
{
	socklen_t size = set_port(address, dial->port);
	int on = 1, fd = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return false;
	dial->connection.fd = fd;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
	if ((connect(fd, (const struct sockaddr *)address, size) == 0 || errno == EINPROGRESS) &&
	    watch_set(watcher_of(dial), &dial->connection, EPOLLOUT))
		return true;
	dial->problem = strerror(errno);
	watch_end(watcher_of(dial), &dial->connection);
	return false;
}

/* Bounded by DIAL_ADDRESSES_MAX: each turn uses one. */
static void try_next(struct dial *dial)
{
	unsigned int count = (unsigned int)(dial->bytes / sizeof dial->addresses[0]);

	while (dial->next < count)
		if (try_address(dial, &dial->addresses[dial->next++])) {
			set_timer(dial, DIAL_ADDRESS_SECONDS);
			return;
		}
	if (dial->problem == NULL)
		dial->problem = "its name has no address";
	dial_finish(dial, -1);
}

static void on_names(struct watch *watch, uint32_t events)
{
	struct dial *dial = lws_container_of(watch, struct dial, names);
	ssize_t length = read(watch->fd, (char *)dial->addresses + dial->bytes,
			      sizeof dial->addresses - dial->bytes);

	(void)events;
	if (length > 0 || (length < 0 && (errno == EAGAIN || errno == EINTR))) {
		dial->bytes += length > 0 ? (size_t)length : 0;
		if (dial->bytes < sizeof dial->addresses)
			return;
	}
	watch_end(watcher_of(dial), watch);
	try_next(dial);
}

/* In the child: print the addresses. */
static void resolve(const char *host, int out)
{
	const struct addrinfo wanted = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG };
	struct sockaddr_storage address;
	struct addrinfo *found = NULL;

	if (getaddrinfo(host, NULL, &wanted, &found) != 0)
		return;
	for (int i = 0; found != NULL && i < DIAL_ADDRESSES_MAX; found = found->ai_next, i++) {
		memset(&address, 0, sizeof address);
		memcpy(&address, found->ai_addr, found->ai_addrlen);
		if (write(out, &address, sizeof address) != (ssize_t)sizeof address)
			return;
	}
}

static void on_resolved(void *context, int status)
{
	struct dial *dial = context;

	(void)status; /* the pipe has told everything */
	dial->child = NULL;
}

static bool start_child(struct dial *dial, const char *host)
{
	pid_t parent = getpid(), pid;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) != 0)
		return false;
	pid = fork();
	if (pid == 0) {
		if (dup2(ends[1], STDOUT_FILENO) >= 0 && child_prepare(parent))
			resolve(host, STDOUT_FILENO);
		_exit(0);
	}
	close(ends[1]);
	dial->names.fd = ends[0];
	if (pid > 0)
		dial->child = child_add(dial->children, pid, on_resolved, dial);
	if (dial->child != NULL && fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0 &&
	    watch_set(watcher_of(dial), &dial->names, EPOLLIN))
		return true;
	watch_end(watcher_of(dial), &dial->names);
	return false;
}

/* An address needs no resolver. */
static bool read_address(struct dial *dial, const char *host)
{
	struct sockaddr_in *ipv4 = (struct sockaddr_in *)&dial->addresses[0];
	struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *)&dial->addresses[0];

	if (inet_pton(AF_INET, host, &ipv4->sin_addr) == 1)
		ipv4->sin_family = AF_INET;
	else if (inet_pton(AF_INET6, host, &ipv6->sin6_addr) == 1)
		ipv6->sin6_family = AF_INET6;
	else
		return false;
	dial->bytes = sizeof dial->addresses[0];
	return true;
}

static void on_start(lws_sorted_usec_list_t *timer)
{
	try_next(lws_container_of(timer, struct dial, timer));
}

void dial_start(struct dial *dial, struct children *children, const char *host, int port,
		void (*done)(struct dial *dial, int fd, const char *problem))
{
	*dial = (struct dial){ .names = { .fd = -1, .ready = on_names },
			       .connection = { .fd = -1, .ready = on_connected },
			       .children = children,
			       .port = port,
			       .done = done };
	dial->deadline = lws_now_usecs() + DIAL_SECONDS * LWS_US_PER_SEC;
	if (!read_address(dial, host) && start_child(dial, host))
		set_timer(dial, DIAL_SECONDS);
	else
		lws_sul_schedule(children->watcher->context, 0, &dial->timer, on_start, 1);
}

void dial_stop(struct dial *dial)
{
	timer_cancel(watcher_of(dial)->context, &dial->timer);
	watch_end(watcher_of(dial), &dial->names);
	watch_end(watcher_of(dial), &dial->connection);
	if (dial->child != NULL)
		child_leave(dial->child);
	dial->child = NULL;
}
