/* SPDX-License-Identifier: Apache-2.0 */
/* Watch descriptors other than libwebsockets' connections in its loop.
 *
 * They are in our own epoll set, and libwebsockets polls that set. Given to it one by one, a
 * terminal whose other side has hung up would be closed with bytes left to read, as soon as nobody
 * reads from it for a while. */
#ifndef EXC_CONNECTD_LOOP_FD_WATCH_H
#define EXC_CONNECTD_LOOP_FD_WATCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

#include <libwebsockets.h>

/* Events that are handled before it is libwebsockets' turn again */
#define WATCH_TURN_MAX 64

struct watcher {
	struct lws_context *context;
	int epoll;
	struct lws_protocols protocols[2];
};

struct watch {
	int fd;
	uint32_t events; /* EPOLLIN, EPOLLOUT; 0: not in the set, a hang-up is not seen either */
	void (*ready)(struct watch *watch, uint32_t events);
};

/* Begin. False after a message on stderr. The watcher must not move until watcher_stop(), which
 * comes after lws_context_destroy(). */
bool watcher_start(struct watcher *watcher, struct lws_context *context);
void watcher_stop(struct watcher *watcher);

/* Change the events to wait for. False, waiting for none, when the kernel refuses. */
bool watch_set(const struct watcher *watcher, struct watch *watch, uint32_t events);

/* Stop waiting and close the descriptor, which becomes -1; does nothing if it is -1. */
void watch_end(const struct watcher *watcher, struct watch *watch);

/* Cancel a timer: libwebsockets 4.0, which Debian 11 has, has no lws_sul_cancel(), and 4.3 ends the
 * process that schedules one without a callback. */
void timer_cancel(struct lws_context *context, lws_sorted_usec_list_t *timer);

#endif
