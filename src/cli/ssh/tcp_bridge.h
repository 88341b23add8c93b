/* SPDX-License-Identifier: Apache-2.0 */
/* Reach a VM's sshd over TCP, for an ssh that has us as its ProxyCommand. */
#ifndef EXC_CLI_SSH_TCP_BRIDGE_H
#define EXC_CLI_SSH_TCP_BRIDGE_H

#include <stdbool.h>
#include <stddef.h>

/* Seconds for each address of a host, and how many of them are tried */
#define BRIDGE_CONNECT_SECONDS 10
#define BRIDGE_ADDRESSES_MAX 8

/* Connect to the host. Returns the socket, or -1 with `why` of `size` bytes. */
int bridge_connect(const char *host, unsigned int port, char *why, size_t size);

/* Pass the socket to ssh through our standard output (ssh_config(5), ProxyUseFdpass). False with
 * errno. */
bool bridge_pass(int fd);

/* Copy standard input to the socket and the socket to standard output, until the socket ends. False
 * with errno. */
bool bridge_run(int fd);

#endif
