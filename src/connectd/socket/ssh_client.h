/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSH's client in a pseudo-terminal of its own, with a key and host keys that are in no file.
 */
#ifndef EXC_SSH_CLIENT_H
#define EXC_SSH_CLIENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <cjson/cJSON.h>

#include "base/memory_file.h"

#define SSH_CLIENT_PROGRAM "/usr/bin/ssh"
/* Seconds for the connection and the handshake; then a sign of life in so many */
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
	int log; /* what ssh itself has to say; does not block */
	struct memory_file key, known_hosts; /* until they are wiped */
};

/* Start ssh. False, with nothing to free, when a resource is lacking. Otherwise the descriptors
 * `terminal` and `log` and the process are the caller's, and ssh_client_forget() is due as soon as
 * the key has been used. */
bool ssh_client_start(struct ssh_client *client, const struct ssh_target *target,
		      const char *private_key);

/* Overwrite the key, and close what ssh has read. */
void ssh_client_forget(struct ssh_client *client);

/* Tell the terminal its size; 0 is taken for the smallest there is. */
void ssh_client_resize(const struct ssh_client *client, uint16_t columns, uint16_t rows);

/* Does ssh pass bytes on as they are? Until then what is written to the terminal is echoed here. */
bool ssh_client_is_raw(const struct ssh_client *client);

#endif
