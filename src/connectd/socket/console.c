/* SPDX-License-Identifier: Apache-2.0 */
/* GET /compute/instance/console/ws/:id: the serial console of an instance. */
#include "connectd/socket/web_socket.h"

static void console_start(struct web_socket *socket)
{
	int fd = socket->admission.console;

	socket->admission.console = -1; /* the relay owns it now */
	if (!relay_open(&socket->relay, fd))
		web_socket_end(socket, LWS_CLOSE_STATUS_UNEXPECTED_CONDITION,
			       "cannot watch the console");
	relay_release(&socket->relay);
}

static void console_take(struct web_socket *socket, const struct piece *piece)
{
	relay_take(&socket->relay, piece->bytes, piece->length);
}

static void console_fill(struct web_socket *socket, struct message *message)
{
	web_socket_fill_bytes(socket, message, "the console has ended");
}

static void console_stop(struct web_socket *socket)
{
	(void)socket;
}

const struct web_socket_kind console_kind = { .has_idle_limit = true,
					      .start = console_start,
					      .take = console_take,
					      .fill = console_fill,
					      .stop = console_stop };
