/* SPDX-License-Identifier: Apache-2.0 */
/* GET /compute/instance/connect/tunnel/:id: a TCP stream to the instance's sshd.
 *
 * An empty message from the client means that it sends no more, which is passed on; the rest of the
 * instance's data still comes. */
#include <stdlib.h>

#include "connectd/loop/dial.h"
#include "connectd/socket/web_socket.h"

struct tunnel {
	struct dial dial;
	struct web_socket *socket;
};

static void on_connected(struct dial *dial, int fd, const char *problem)
{
	struct web_socket *socket = lws_container_of(dial, struct tunnel, dial)->socket;

	if (fd < 0)
		web_socket_end(socket, LWS_CLOSE_STATUS_UNEXPECTED_CONDITION,
			       "cannot connect to the instance: %s", problem);
	else if (!relay_open(&socket->relay, fd))
		web_socket_end(socket, LWS_CLOSE_STATUS_UNEXPECTED_CONDITION,
			       "cannot watch the connection");
	else
		relay_release(&socket->relay);
}

static void tunnel_start(struct web_socket *socket)
{
	struct tunnel *tunnel = calloc(1, sizeof *tunnel);
	const struct instance *instance = &socket->admission.instance;

	if (tunnel == NULL) {
		web_socket_end(socket, LWS_CLOSE_STATUS_UNEXPECTED_CONDITION, "no memory");
		return;
	}
	socket->own = tunnel;
	tunnel->socket = socket;
	dial_start(&tunnel->dial, &socket->all->children, instance->host, instance->port,
		   on_connected);
}

static void tunnel_take(struct web_socket *socket, const struct piece *piece)
{
	if (piece->length == 0 && piece->is_first && piece->is_last)
		relay_half_close(&socket->relay);
	else
		relay_take(&socket->relay, piece->bytes, piece->length);
}

static void tunnel_fill(struct web_socket *socket, struct message *message)
{
	web_socket_fill_bytes(socket, message, "the instance has closed the connection");
}

static void tunnel_stop(struct web_socket *socket)
{
	struct tunnel *tunnel = socket->own;

	if (tunnel == NULL)
		return;
	dial_stop(&tunnel->dial);
	free(tunnel);
}

const struct web_socket_kind tunnel_kind = { .has_idle_limit = false,
					     .start = tunnel_start,
					     .take = tunnel_take,
					     .fill = tunnel_fill,
					     .stop = tunnel_stop };
