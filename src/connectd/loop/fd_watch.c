/* SPDX-License-Identifier: Apache-2.0 */
/* Watch descriptors other than libwebsockets' connections in its loop. */
#include "connectd/loop/fd_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* One event at a time: handling it may end the watch that the next one is for. */
static void take_turn(const struct watcher *watcher)
{
	struct epoll_event event;

	for (int i = 0; i < WATCH_TURN_MAX; i++) {
		struct watch *watch;

		if (epoll_wait(watcher->epoll, &event, 1, 0) != 1)
			return;
		watch = event.data.ptr;
		watch->ready(watch, event.events);
	}
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *bytes,
		    size_t length)
{
	const struct lws_protocols *protocol = lws_get_protocol(wsi);

	(void)user;
	(void)bytes;
	(void)length;
	if (reason == LWS_CALLBACK_RAW_RX_FILE)
		take_turn(protocol->user);
	return 0;
}

/* libwebsockets closes what it adopts; the set is closed after everything that is in it. */
static bool adopt(struct watcher *watcher, struct lws_vhost *vhost)
{
	lws_sock_file_fd_type copy = { .filefd = fcntl(watcher->epoll, F_DUPFD_CLOEXEC, 0) };

	if (copy.filefd < 0)
		return false;
	return lws_adopt_descriptor_vhost(vhost, LWS_ADOPT_RAW_FILE_DESC, copy,
					  watcher->protocols[0].name, NULL) != NULL;
}

bool watcher_start(struct watcher *watcher, struct lws_context *context)
{
	struct lws_context_creation_info info = {
		.port = CONTEXT_PORT_NO_LISTEN,
		.vhost_name = "watches",
		.protocols = watcher->protocols,
	};
	struct lws_vhost *vhost;

	*watcher = (struct watcher){
		.context = context,
		.epoll = epoll_create1(EPOLL_CLOEXEC),
		.protocols = { { .name = "watches", .callback = on_event, .user = watcher },
			       { 0 } },
	};
	vhost = watcher->epoll < 0 ? NULL : lws_create_vhost(context, &info);
	if (vhost != NULL && adopt(watcher, vhost))
		return true;
	fprintf(stderr, "exc-connectd: cannot create an epoll set: %s\n", strerror(errno));
	return false;
}

void watcher_stop(struct watcher *watcher)
{
	if (watcher->epoll >= 0)
		close(watcher->epoll);
	watcher->epoll = -1;
}

bool watch_set(const struct watcher *watcher, struct watch *watch, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = watch };
	int operation = watch->events == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;

	if (events == watch->events)
		return true;
	if (events == 0)
		operation = EPOLL_CTL_DEL;
	if (epoll_ctl(watcher->epoll, operation, watch->fd, &event) != 0)
		return false;
	watch->events = events;
	return true;
}

void watch_end(const struct watcher *watcher, struct watch *watch)
{
	if (watch->fd < 0)
		return;
	watch_set(watcher, watch, 0);
	close(watch->fd);
	watch->fd = -1;
	watch->events = 0;
}

static void never(lws_sorted_usec_list_t *timer)
{
	(void)timer;
}

void timer_cancel(struct lws_context *context, lws_sorted_usec_list_t *timer)
{
	lws_sul_schedule(context, 0, timer, never, LWS_SET_TIMER_USEC_CANCEL);
}
