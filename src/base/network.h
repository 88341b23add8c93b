/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses and networks in CIDR notation (RFC 4632, RFC 4291 section 2.3). */
#ifndef EXC_BASE_NETWORK_H
#define EXC_BASE_NETWORK_H

#include <stdbool.h>
#include <stdint.h>

/* An address, a slash, three digits and a NUL */
#define NETWORK_TEXT_SIZE 51
/* An IPv6 address with its scope, and the NUL */
#define NETWORK_CLIENT_SIZE 64

struct network {
	int family; /* AF_INET or AF_INET6 */
	uint8_t bytes[16];
	unsigned int prefix; /* bits; all of them for one address */
};

/* Read "192.0.2.0/24" or "2001:db8::1". False when it is neither, or has bits set after its prefix:
 * sshd refuses every client for one of these, and its author meant something else. */
bool network_parse(const char *text, struct network *network);

/* Write it in its standard form; an address without its prefix, if `bare`. */
void network_print(const struct network *network, bool bare, char text[NETWORK_TEXT_SIZE]);

/* Both at once: the one spelling of `text`, which may be `canonical` itself, to compare and keep.
 * False, with nothing written, when it is neither. */
bool network_canonical(const char *text, bool bare, char canonical[NETWORK_TEXT_SIZE]);

/* Is all of `inner` in `outer`? */
bool network_contains(const struct network *outer, const struct network *inner);

/* Is this an address as sshd writes a client's: numeric, an IPv6 one perhaps with the interface
 * that it is reached by ("fe80::1%eth0")? */
bool network_is_client(const char *text);

/* Is this a numeric address of this machine itself, in 127.0.0.0/8 or ::1 (RFC 6890)? */
bool network_is_loopback(const char *address);

#endif
