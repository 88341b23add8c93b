/* SPDX-License-Identifier: Apache-2.0 */
/* Reach a VM's sshd over TCP, for an ssh that has us as its ProxyCommand. */
#include "cli/ssh/tcp_bridge.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define CHUNK_BYTES 65536

/* Linux applies the send timeout to connect(2) as well. */
static int connect_one(const struct addrinfo *address)
{
	const struct timeval patience = { .tv_sec = BRIDGE_CONNECT_SECONDS }, none = { 0 };
	const int yes = 1;
	int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	if (connect(fd, address->ai_addr, address->ai_addrlen) == 0) {
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &none, sizeof none);
		return fd;
	}
	if (errno == EINPROGRESS)
		errno = ETIMEDOUT;
	close(fd);
	return -1;
}

int bridge_connect(const char *host, unsigned int port, char *why, size_t size)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *list = NULL, *address;
	unsigned int tried = 0;
	char service[12];
	int code, fd = -1;

	snprintf(service, sizeof service, "%u", port);
	code = getaddrinfo(host, service, &hints, &list);
	if (code != 0) {
		snprintf(why, size, "%.200s: %s", host, gai_strerror(code));
		return -1;
	}
	for (address = list; fd < 0 && address != NULL && tried < BRIDGE_ADDRESSES_MAX;
	     address = address->ai_next, tried++)
		fd = connect_one(address);
	if (fd < 0)
		snprintf(why, size, "%.200s port %u: %s", host, port, strerror(errno));
	freeaddrinfo(list);
	return fd;
}

bool bridge_pass(int fd)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	char byte = '\0';
	struct iovec data = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr message = { .msg_iov = &data,
				  .msg_iovlen = 1,
				  .msg_control = control.bytes,
				  .msg_controllen = sizeof control.bytes };
	struct cmsghdr *header;

	memset(&control, 0, sizeof control);
	header = CMSG_FIRSTHDR(&message);
	header->cmsg_len = CMSG_LEN(sizeof(int));
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	memcpy(CMSG_DATA(header), &fd, sizeof fd);
	return sendmsg(STDOUT_FILENO, &message, 0) == 1;
}

/* Move what is there. 1: moved; 0: that side has ended; -1 with errno. */
static int move(int from, int to)
{
	char bytes[CHUNK_BYTES];
	ssize_t got = read(from, bytes, sizeof bytes), at = 0, written;

	if (got <= 0)
		return got < 0 && errno == EINTR ? 1 : (int)got;
	while (at < got) {
		written = write(to, bytes + at, (size_t)(got - at));
		if (written < 0 && errno != EINTR)
			return -1;
		at += written > 0 ? written : 0;
	}
	return 1;
}

bool bridge_run(int fd)
{
	struct pollfd polled[2] = { { .fd = STDIN_FILENO, .events = POLLIN },
				    { .fd = fd, .events = POLLIN } };
	int result = 1;

	/* Until the connection ends. A slow side makes the other wait: ssh always reads, so no side
	 * waits for ever. */
	while (result > 0) {
		if (poll(polled, 2, -1) < 0 && errno != EINTR)
			return false;
		if (polled[1].revents != 0)
			result = move(fd, STDOUT_FILENO);
		if (result > 0 && polled[0].revents != 0 && move(STDIN_FILENO, fd) <= 0) {
			shutdown(fd, SHUT_WR);
			polled[0].fd = -1;
		}
		polled[0].revents = polled[1].revents = 0;
	}
	return result == 0;
}
