/* SPDX-License-Identifier: Apache-2.0 */
/* Carry bytes between two descriptors and a WebSocket of the control plane (RFC 6455). */
#ifndef EXC_CLI_API_WEBSOCKET_H
#define EXC_CLI_API_WEBSOCKET_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/api/credentials.h"

/* The most that is read at once; a frame holds no more. */
#define WEBSOCKET_CHUNK_BYTES 16384
/* Seconds for the connection, TLS and the upgrade */
#define WEBSOCKET_CONNECT_SECONDS 15
/* Seconds of silence after which the peer is pinged, and dropped */
#define WEBSOCKET_PING_SECONDS 30
#define WEBSOCKET_HANGUP_SECONDS 75

struct websocket_job {
	const struct account *account;
	const char *path; /* "/compute/instance/connect/tunnel/…" */
	const char *what; /* "the tunnel": for messages */
	int input; /* read until its end; stays the caller's */
	int output;
	bool outlives_input; /* the end of the input does not end the connection */
	/* Called once, when the socket is open, unless NULL. */
	void (*opened)(void *context);
	/* Look at `length` bytes of input and put what is to be sent into `out`, with room for one
	 * byte more. `*ends` closes the connection once that is sent. NULL: everything is sent. */
	size_t (*filter)(void *context, const unsigned char *bytes, size_t length,
			 unsigned char *out, bool *ends);
	void *context;
};

/* Send the input and write what arrives, as binary frames, until the input, the filter or the peer
 * ends it, or on SIGINT, SIGTERM or SIGHUP. A slow output slows the peer, and a slow peer the
 * input. True when it was open and ended in order; otherwise the reason has been printed. */
bool websocket_run(const struct websocket_job *job);

#endif
