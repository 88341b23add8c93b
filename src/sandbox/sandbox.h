/* SPDX-License-Identifier: Apache-2.0 */
/* The walls around a program that reads what strangers wrote. */
#ifndef EXC_SANDBOX_SANDBOX_H
#define EXC_SANDBOX_SANDBOX_H

#include <stdint.h>

/* Bounds of a run. The largest file it writes is an offer; it maps its libraries' code, and a few
 * MiB of its own at most. */
#define SANDBOX_ADDRESS_SPACE_MAX (256UL * 1024 * 1024) /* bytes */
#define SANDBOX_FILE_BYTES_MAX (64UL * 1024)
#define SANDBOX_DESCRIPTORS_MAX 64UL
#define SANDBOX_CPU_SECONDS_MAX 3UL
/* Links in `listed` whose targets may be read */
#define SANDBOX_LINKS_MAX 64

/* Where CA certificates, and OpenSSL's settings, are on Debian and Fedora, for `readable` */
#define SANDBOX_CERTIFICATES                                                                       \
	"/etc/ssl/certs", "/etc/ssl/openssl.cnf", "/etc/pki/ca-trust", "/etc/pki/tls/certs",       \
		"/etc/pki/tls/openssl.cnf", "/etc/crypto-policies"

/* Which walls are active; a set of bits. Those that the kernel lacks are skipped: people must be
 * able to log in on such a machine too. */
enum sandbox_walls {
	SANDBOX_PRIVILEGES = 1 << 0, /* nothing it starts can gain privileges */
	SANDBOX_LIMITS = 1 << 1, /* the bounds above, and no core file */
	SANDBOX_FILES = 1 << 2, /* Landlock: only what struct sandbox names */
	SANDBOX_PORTS = 1 << 3, /* Landlock 4: TCP only to `port` */
	SANDBOX_CALLS = 1 << 4, /* seccomp: a system call that it does not need kills it */
};
#define SANDBOX_WALLS 5

/* What a program still may do. The paths are borrowed until sandbox_enter() returns. */
struct sandbox {
	const char *const *readable; /* files and folders of files; a NULL ends them */
	const char *listed; /* a folder to read and list, with what its links lead to; or NULL */
	const char *writable; /* a folder to write in, or NULL */
	uint16_t port; /* of TCP, to connect to; 0: no network, but the journal's socket */
};

/* Sandbox this process permanently. Libraries that are loaded late, and /proc, stay readable.
 * Returns enum sandbox_walls. Never fails: walls that cannot be set up are missing in the result.
 */
unsigned int sandbox_enter(const struct sandbox *sandbox);

/* Which walls sandbox_enter() sets up here, tried in a child. 0 if there can be no child. */
unsigned int sandbox_try(const struct sandbox *sandbox);

/* "seccomp", and so on; a string constant. `wall` is one bit. */
const char *sandbox_wall_name(unsigned int wall);

#endif
