/* SPDX-License-Identifier: Apache-2.0 */
/* The three WebSockets that the compute API has. */
#ifndef EXC_CONNECTD_STATE_SOCKET_KIND_H
#define EXC_CONNECTD_STATE_SOCKET_KIND_H

enum socket_kind {
	SOCKET_TERMINAL,
	SOCKET_TUNNEL,
	SOCKET_CONSOLE
};
#define SOCKET_KINDS 3

/* Its name in the audit trail and the metrics */
static inline const char *socket_kind_name(enum socket_kind kind)
{
	static const char *const names[SOCKET_KINDS] = { "terminal", "tunnel", "console" };

	return names[kind];
}

#endif
