/* SPDX-License-Identifier: Apache-2.0 */
/* Connect to a host over TCP without blocking: names are resolved in a child process. */
#ifndef EXC_CONNECTD_LOOP_DIAL_H
#define EXC_CONNECTD_LOOP_DIAL_H

#include <sys/socket.h>

#include "connectd/loop/children.h"

/* Seconds for all of it, and for one of several addresses */
#define DIAL_SECONDS 15
#define DIAL_ADDRESS_SECONDS 5
/* Addresses of one name that are tried */
#define DIAL_ADDRESSES_MAX 8

struct dial {
	lws_sorted_usec_list_t timer;
	struct watch names; /* what the child prints */
	struct watch connection;
	struct children *children;
	struct child *child; /* NULL when none runs */
	struct sockaddr_storage addresses[DIAL_ADDRESSES_MAX];
	size_t bytes; /* of `addresses`, read so far */
	unsigned int next; /* the next address */
	int port;
	lws_usec_t deadline;
	const char *problem; /* the last one */
	/* With a connected descriptor, which the callee owns, or -1 and the problem. Called once,
	 * after dial_start() has returned. */
	void (*done)(struct dial *dial, int fd, const char *problem);
};

/* Begin. `done` is called unless dial_stop() comes first. */
void dial_start(struct dial *dial, struct children *children, const char *host, int port,
		void (*done)(struct dial *dial, int fd, const char *problem));
void dial_stop(struct dial *dial);

#endif
