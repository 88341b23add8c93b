/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes between a WebSocket and a descriptor, in each direction as fast as its slower end.
 *
 * Towards the client nothing is kept: bytes are read from the descriptor when the socket takes
 * them. Towards the descriptor there is what one read from the network brought and the descriptor
 * did not take; until it has, nothing more is read from the network. */
#ifndef EXC_RELAY_H
#define EXC_RELAY_H

#include <stddef.h>
#include <sys/types.h>

#include "connectd/loop/fd_watch.h"

/* What may wait for the descriptor; one read from the network is far below it. */
#define RELAY_WAITING_MAX (256 * 1024)

struct relay {
	struct watch watch;
	const struct watcher *watcher;
	struct lws *wsi;
	unsigned char *waiting; /* for the descriptor */
	size_t waiting_length;
	bool is_held; /* until relay_release(), nothing goes to the descriptor */
	bool is_broken; /* the descriptor takes no more: what comes is dropped */
	bool is_overrun; /* bytes from the client were lost: there was no memory for them */
	bool is_half_closed; /* the client has no more: say so when all of it is written */
	uint64_t from_client, to_client; /* bytes */
};

/* Begin without a descriptor: what the client sends is held. */
void relay_begin(struct relay *relay, const struct watcher *watcher, struct lws *wsi);

/* From now on this descriptor, which does not block, is the relay's; bytes come from it, and go to
 * it after relay_release(). False: it cannot be watched; it is closed. */
bool relay_open(struct relay *relay, int fd);
void relay_release(struct relay *relay);

/* Bytes from the client. When they are too many, or memory too little, the relay is_overrun. */
void relay_take(struct relay *relay, const void *bytes, size_t length);

/* The client sends no more: pass that on, to what knows how to half close (TCP), after its bytes.
 */
void relay_half_close(struct relay *relay);

/* Read for the client, when its socket can be written to. The number of bytes; 0 when there are
 * none now, and the socket will be asked to be written to when there are; -1 at the end. */
ssize_t relay_read(struct relay *relay, void *bytes, size_t size);

/* Close the descriptor and forget what waits. */
void relay_end(struct relay *relay);

#endif
