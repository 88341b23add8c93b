/* SPDX-License-Identifier: Apache-2.0 */
/* GET /compute/instance/console/ws/:id: the serial console of an instance. */
#include "connectd/socket/web_socket.h"

static void start(struct web_socket *socket)
{
	int fd = socket->admission.console;

	socket->admission.console = -1; /* the relay's now */
	if (!relay_open(&socket->relay, fd))
		web_socket_end(socket, LWS_CLOSE_STATUS_UNEXPECTED_CONDITION,
			       "the console cannot be watched");
	relay_release(&socket->relay);
}

static void fill(struct web_socket *socket, struct message *message)
{
	web_socket_fill_bytes(socket, message, "the console has ended");
}

static void stop(struct web_socket *socket)
{
	(void)socket;
}

const struct web_socket_kind console_kind = { .has_idle_limit = true,
					      .start = start,
					      .take = web_socket_take_bytes,
					      .fill = fill,
					      .stop = stop };
