/* SPDX-License-Identifier: Apache-2.0 */
/* The sandbox of the run that reads data from the network. */
#ifndef EXC_AGENT_ANSWER_SANDBOX_H
#define EXC_AGENT_ANSWER_SANDBOX_H

#include "agent/config/config.h"

/* Bounds of a run. The largest file it writes is an offer, of OFFER_BYTES_MAX; it maps its
 * libraries' code, and a few MiB of its own at most. */
#define SANDBOX_ADDRESS_SPACE_MAX (256UL * 1024 * 1024) /* bytes */
#define SANDBOX_FILE_BYTES_MAX (64UL * 1024)
#define SANDBOX_DESCRIPTORS_MAX 64UL
#define SANDBOX_CPU_SECONDS_MAX 3UL

/* Which walls are active; a set of bits. Those that the kernel lacks are skipped: people must be
 * able to log in on such a machine too. */
enum sandbox_walls {
	SANDBOX_PRIVILEGES = 1 << 0, /* nothing it starts can gain privileges */
	SANDBOX_LIMITS = 1 << 1, /* the bounds above, and no core file */
	SANDBOX_FILES = 1 << 2, /* Landlock: reads little, writes the ledger alone */
	SANDBOX_PORTS = 1 << 3, /* Landlock 4: TCP only to metadata_url's port and to DNS */
	SANDBOX_CALLS = 1 << 4, /* seccomp: a system call that it does not need kills it */
};
#define SANDBOX_WALLS 5

/* Sandbox this process permanently. `writable` is the only directory in which it can still write:
 * the ledger. Returns enum sandbox_walls. Never fails: walls that cannot be set up are missing in
 * the result. */
unsigned int sandbox_enter(const struct config *config, const char *writable);

/* Which walls sandbox_enter() sets up here, tried in a child. 0 if there can be no child. */
unsigned int sandbox_try(const struct config *config, const char *writable);

/* "seccomp", and so on; a string constant. `wall` is one bit. */
const char *sandbox_wall_name(unsigned int wall);

#endif
