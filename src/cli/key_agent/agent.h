/* SPDX-License-Identifier: Apache-2.0 */
/* A process for one user that holds one-time keys until the ssh that each is for has signed. */
#ifndef EXC_CLI_KEY_AGENT_AGENT_H
#define EXC_CLI_KEY_AGENT_AGENT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/ssh_keypair.h"

#define AGENT_SOCKET "agent.sock"
#define AGENT_LOCK "agent.lock"
/* Open connections; further ones wait. */
#define AGENT_CONNECTIONS_MAX 256
/* Seconds that a connection may stay open: ssh opens one when it is about to sign. */
#define AGENT_CONNECTION_SECONDS 120

/* Answer at the listening socket in `folder` until no key is left and nobody is about to bring one:
 * a process that does holds the lock in the same directory. Removes the socket at the end. */
void agent_serve(int listener, const char *folder);

/* Give the agent in `folder` the key, for our parent process and for `lifetime` seconds; start one
 * if none answers. False with `why`, of `size` bytes. */
bool agent_hand_over(const char *folder, const struct keypair *pair, unsigned int lifetime,
		     char *why, size_t size);

#endif
