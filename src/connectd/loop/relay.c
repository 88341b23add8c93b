/* SPDX-License-Identifier: Apache-2.0 */
/* Carry bytes between a WebSocket and a descriptor, each way as fast as its slower end. */
#include "connectd/loop/relay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/crypto.h>

static void want(struct relay *relay, uint32_t event, bool wanted)
{
	uint32_t events = relay->watch.events;

	if (relay->watch.fd >= 0)
		watch_set(relay->watcher, &relay->watch, wanted ? events | event : events & ~event);
}

/* What people type is overwritten: it may be a password. */
static void drop_waiting(struct relay *relay)
{
	if (relay->waiting != NULL)
		OPENSSL_cleanse(relay->waiting, relay->waiting_length);
	free(relay->waiting);
	relay->waiting = NULL;
	relay->waiting_length = 0;
}

/* Append bytes to those that already wait. */
static bool keep(struct relay *relay, const unsigned char *bytes, size_t length)
{
	unsigned char *whole;

	if (length > RELAY_WAITING_MAX - relay->waiting_length)
		return false;
	whole = malloc(relay->waiting_length + length);
	if (whole == NULL)
		return false;
	if (relay->waiting_length > 0)
		memcpy(whole, relay->waiting, relay->waiting_length);
	memcpy(whole + relay->waiting_length, bytes, length);
	length += relay->waiting_length;
	drop_waiting(relay);
	relay->waiting = whole;
	relay->waiting_length = length;
	return true;
}

/* Write until the descriptor takes no more. Returns how much it took; all, if it is broken. */
static size_t push(struct relay *relay, const unsigned char *bytes, size_t length)
{
	size_t done = 0;

	while (done < length && !relay->is_broken) {
		ssize_t written = write(relay->watch.fd, bytes + done, length - done);

		if (written >= 0)
			done += (size_t)written;
		else if (errno == EAGAIN)
			return done;
		else if (errno != EINTR)
			relay->is_broken = true;
	}
	return length;
}

/* Read from the network only while nothing waits. */
static void balance(struct relay *relay)
{
	bool is_stuck = relay->waiting_length > 0;

	want(relay, EPOLLOUT, is_stuck && !relay->is_held);
	lws_rx_flow_control(relay->wsi, !is_stuck && !relay->is_held);
	if (relay->is_half_closed && !is_stuck && !relay->is_held && !relay->is_broken)
		shutdown(relay->watch.fd, SHUT_WR);
}

static void flush(struct relay *relay)
{
	size_t done = push(relay, relay->waiting, relay->waiting_length);

	relay->waiting_length -= done;
	if (relay->waiting_length > 0)
		memmove(relay->waiting, relay->waiting + done, relay->waiting_length);
	else
		drop_waiting(relay);
	balance(relay);
}

static void on_ready(struct watch *watch, uint32_t events)
{
	struct relay *relay = lws_container_of(watch, struct relay, watch);

	if ((events & EPOLLOUT) != 0 ||
	    ((watch->events & EPOLLOUT) != 0 && (events & (EPOLLHUP | EPOLLERR)) != 0))
		flush(relay);
	if ((watch->events & EPOLLIN) == 0 || (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0)
		return;
	want(relay, EPOLLIN, false); /* until relay_read() finds nothing more */
	lws_callback_on_writable(relay->wsi);
}

void relay_begin(struct relay *relay, const struct watcher *watcher, struct lws *wsi)
{
	*relay = (struct relay){ .watch = { .fd = -1, .ready = on_ready },
				 .watcher = watcher,
				 .wsi = wsi,
				 .is_held = true };
	lws_rx_flow_control(wsi, 0);
}

bool relay_open(struct relay *relay, int fd)
{
	relay->watch.fd = fd;
	if (watch_set(relay->watcher, &relay->watch, EPOLLIN))
		return true;
	watch_end(relay->watcher, &relay->watch);
	return false;
}

void relay_release(struct relay *relay)
{
	if (!relay->is_held)
		return;
	relay->is_held = false;
	flush(relay);
}

void relay_take(struct relay *relay, const void *bytes, size_t length)
{
	size_t done = 0;

	if (length == 0 || relay->is_half_closed)
		return;
	relay->from_client += length;
	if (!relay->is_held && relay->waiting_length == 0)
		done = push(relay, bytes, length);
	if (done < length && !keep(relay, (const unsigned char *)bytes + done, length - done))
		relay->is_overrun = true;
	else
		balance(relay);
}

void relay_half_close(struct relay *relay)
{
	relay->is_half_closed = true;
	balance(relay);
}

ssize_t relay_read(struct relay *relay, void *bytes, size_t size)
{
	ssize_t length;

	if (relay->watch.fd < 0)
		return 0;
	do
		length = read(relay->watch.fd, bytes, size);
	while (length < 0 && errno == EINTR);
	if (length > 0) {
		relay->to_client += (uint64_t)length;
		return length;
	}
	if (length < 0 && errno == EAGAIN) {
		want(relay, EPOLLIN, true);
		return 0;
	}
	want(relay, EPOLLIN, false);
	return -1;
}

void relay_end(struct relay *relay)
{
	watch_end(relay->watcher, &relay->watch);
	drop_waiting(relay);
}
