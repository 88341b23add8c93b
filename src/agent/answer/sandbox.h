/* SPDX-License-Identifier: Apache-2.0 */
/* The walls around the run that reads what came from the network. */
#ifndef EXC_SANDBOX_H
#define EXC_SANDBOX_H

#include "agent/config/config.h"

/* Bounds of a run. The largest file it writes is an offer, of OFFER_BYTES_MAX; what it maps is
 * its libraries' code, and never more than a few MiB of its own. */
#define SANDBOX_ADDRESS_SPACE_MAX (256UL * 1024 * 1024) /* bytes */
#define SANDBOX_FILE_BYTES_MAX (64UL * 1024)
#define SANDBOX_DESCRIPTORS_MAX 64UL
#define SANDBOX_CPU_SECONDS_MAX 3UL

/* Which walls stand; a set of bits. What the kernel does not have is left out: on such a machine
 * people log in as well. */
enum sandbox_walls {
	SANDBOX_PRIVILEGES = 1 << 0, /* nothing it could start has more rights than it has */
	SANDBOX_LIMITS = 1 << 1, /* the bounds above, and no core file */
	SANDBOX_FILES = 1 << 2, /* Landlock: reads little, writes the ledger alone */
	SANDBOX_PORTS = 1 << 3, /* Landlock 4: TCP to metadata_url's port and to DNS */
	SANDBOX_CALLS = 1 << 4, /* seccomp: a system call that it does not need ends it */
};
#define SANDBOX_WALLS 5

/* Put the walls up around this process, for good. `writable` is the only folder in which it can
 * still write: the ledger. Returns enum sandbox_walls. Never fails: whatever cannot be put up is
 * missing in what is returned. */
unsigned int sandbox_enter(const struct config *config, const char *writable);

/* Which walls sandbox_enter() puts up here, tried in a child. 0 when there can be no child. */
unsigned int sandbox_try(const struct config *config, const char *writable);

/* "seccomp", and so on; a string constant. `wall` is one bit. */
const char *sandbox_wall_name(unsigned int wall);

#endif
