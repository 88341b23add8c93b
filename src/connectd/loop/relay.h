/* SPDX-License-Identifier: Apache-2.0 */
/* Carry bytes between a WebSocket and a descriptor, each way as fast as its slower end.
 *
 * Towards the client nothing is buffered: bytes are read from the descriptor when the socket
 * accepts them. Towards the descriptor, what one read from the network brought waits until the
 * descriptor accepts it; until then nothing more is read from the network. */
#ifndef EXC_CONNECTD_LOOP_RELAY_H
#define EXC_CONNECTD_LOOP_RELAY_H

#include <stddef.h>
#include <sys/types.h>

#include "connectd/loop/fd_watch.h"

/* What may wait for the descriptor; one read from the network is far smaller. */
#define RELAY_WAITING_MAX (256 * 1024)

struct relay {
	struct watch watch;
	const struct watcher *watcher;
	struct lws *wsi;
	unsigned char *waiting; /* for the descriptor */
	size_t waiting_length;
	bool is_held; /* until relay_release(), nothing goes to the descriptor */
	bool is_broken; /* the descriptor accepts no more: further bytes are dropped */
	bool is_overrun; /* bytes from the client were lost for lack of memory */
	bool is_half_closed; /* the client has no more: pass that on when all is written */
	uint64_t from_client, to_client; /* bytes */
};

/* Begin without a descriptor: what the client sends is held. */
void relay_begin(struct relay *relay, const struct watcher *watcher, struct lws *wsi);

/* Give the relay this non-blocking descriptor: bytes come from it, and go to it after
 * relay_release(). False: it cannot be watched, and is closed. */
bool relay_open(struct relay *relay, int fd);
void relay_release(struct relay *relay);

/* Bytes from the client. If they are too many, or memory is short, the relay is_overrun. */
void relay_take(struct relay *relay, const void *bytes, size_t length);

/* The client sends no more: pass that on after its bytes, where half-closing is possible (TCP). */
void relay_half_close(struct relay *relay);

/* Read for the client, when its socket can be written to. The number of bytes; 0 when there are
 * none now, and a writable callback is requested once there are; -1 at the end. */
ssize_t relay_read(struct relay *relay, void *bytes, size_t size);

/* Close the descriptor and forget what waits. */
void relay_end(struct relay *relay);

#endif
