/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSH's client in its own pseudo-terminal, with a key and host keys that are in no file. */
#ifndef EXC_CONNECTD_SOCKET_SSH_CLIENT_H
#define EXC_CONNECTD_SOCKET_SSH_CLIENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <cjson/cJSON.h>

#include "base/memory_file.h"

#define SSH_CLIENT_PROGRAM "/usr/bin/ssh"
/* Seconds for the connection and the handshake; later the interval of keepalives */
#define SSH_CLIENT_CONNECT_SECONDS "15"
#define SSH_CLIENT_ALIVE_SECONDS "30"
#define SSH_CLIENT_COLUMNS 80
#define SSH_CLIENT_ROWS 24

struct ssh_target {
	const char *host, *user;
	int port;
	const cJSON *host_keys; /* texts "TYPE BASE64" */
};

struct ssh_client {
	pid_t pid;
	int terminal; /* our side of the pseudo-terminal; does not block */
	int log; /* ssh's own messages; does not block */
	struct memory_file key, known_hosts; /* until they are wiped */
};

/* Start ssh. False, with nothing to free, when resources are short. Otherwise the caller owns the
 * descriptors `terminal` and `log` and the process, and calls ssh_client_forget() as soon as the
 * key has been used. */
bool ssh_client_start(struct ssh_client *client, const struct ssh_target *target,
		      const char *private_key);

/* Overwrite the key, and close the files that ssh has read. */
void ssh_client_forget(struct ssh_client *client);

/* Set the terminal's size; 0 means the smallest possible. */
void ssh_client_resize(const struct ssh_client *client, uint16_t columns, uint16_t rows);

/* Does ssh pass bytes on unchanged? Until then, input written to the terminal is echoed locally. */
bool ssh_client_is_raw(const struct ssh_client *client);

#endif
