/* SPDX-License-Identifier: Apache-2.0 */
/* The wall around files and ports: Landlock (landlock(7)).
 *
 * Numbers and layouts are the kernel's, which never change: Debian 11's headers have none of them,
 * and Debian 12's only some. */
#include "sandbox/landlock.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

/* The same on every architecture */
#define CREATE_RULESET 444
#define ADD_RULE 445
#define RESTRICT_SELF 446

#define ASK_VERSION 1U
#define RULE_BELOW 1
#define RULE_PORT 2

#define WRITE_FILE (1ULL << 1)
#define READ_FILE (1ULL << 2)
#define READ_FOLDER (1ULL << 3)
#define REMOVE_FOLDER (1ULL << 4)
#define REMOVE_FILE (1ULL << 5)
#define MAKE_FOLDER (1ULL << 7)
#define MAKE_FILE (1ULL << 8)
#define CONNECT_TCP (1ULL << 1)

/* What each version can restrict: all of it is forbidden unless a rule allows it. */
#define FILES_OF(version)                                                                          \
	((1ULL << ((version) >= 5 ? 16 : (version) >= 3 ? 15 : (version) >= 2 ? 14 : 13)) - 1)
#define PORTS_SINCE 4
#define PORTS 3ULL /* bind, connect */
#define SCOPES_SINCE 6
#define SCOPES 3ULL /* abstract sockets of others, signals to others */

struct ruleset {
	uint64_t files;
	uint64_t ports;
	uint64_t scopes;
};

struct below_rule {
	uint64_t allowed;
	int32_t folder;
} __attribute__((packed));

struct port_rule {
	uint64_t allowed;
	uint64_t port;
};

/* Libraries that are loaded on demand, what CA certificates' links lead to, and processes */
static const char *const always[] = {
	"/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/proc", NULL,
};

/* Allow access to a path and below it; a path that does not exist needs no rule. */
static void allow_at(int ruleset, int parent, const char *path, uint64_t allowed)
{
	_cleanup_close_ int fd = openat(parent, path, O_PATH | O_CLOEXEC);
	const struct below_rule rule = { .allowed = allowed, .folder = fd };

	if (fd >= 0)
		syscall(ADD_RULE, ruleset, RULE_BELOW, &rule, 0U);
}

static void allow(int ruleset, const char *path, uint64_t allowed)
{
	allow_at(ruleset, AT_FDCWD, path, allowed);
}

DEFINE_CLEANUP(DIR, closedir);

/* Links in it may lead anywhere. */
static void allow_linked(int ruleset, const char *folder)
{
	_cleanup_(cleanup_closedir) DIR *stream = opendir(folder);
	const struct dirent *entry;
	unsigned int links = 0;

	while (stream != NULL && links < SANDBOX_LINKS_MAX && (entry = readdir(stream)) != NULL) {
		if (entry->d_type != DT_LNK)
			continue;
		links++;
		allow_at(ruleset, dirfd(stream), entry->d_name, READ_FILE);
	}
}

static void allow_all(int ruleset, const char *const *paths)
{
	for (; *paths != NULL; paths++)
		allow(ruleset, *paths, READ_FILE);
}

static void allow_files(int ruleset, const struct sandbox *sandbox)
{
	allow_all(ruleset, always);
	allow_all(ruleset, sandbox->readable);
	if (sandbox->listed != NULL) {
		allow(ruleset, sandbox->listed, READ_FILE | READ_FOLDER);
		allow_linked(ruleset, sandbox->listed);
	}
	if (sandbox->writable != NULL)
		allow(ruleset, sandbox->writable,
		      READ_FILE | READ_FOLDER | WRITE_FILE | MAKE_FILE | MAKE_FOLDER | REMOVE_FILE |
			      REMOVE_FOLDER);
}

static void allow_port(int ruleset, uint64_t port)
{
	const struct port_rule rule = { .allowed = CONNECT_TCP, .port = port };

	syscall(ADD_RULE, ruleset, RULE_PORT, &rule, 0U);
}

unsigned int sandbox_landlock(const struct sandbox *sandbox)
{
	const long version = syscall(CREATE_RULESET, NULL, (size_t)0, ASK_VERSION);
	const struct ruleset all = { .files = FILES_OF(version),
				     .ports = version >= PORTS_SINCE ? PORTS : 0,
				     .scopes = version >= SCOPES_SINCE ? SCOPES : 0 };
	_cleanup_close_ int ruleset = -1;

	if (version < 1)
		return 0;
	/* Fields that a kernel does not know are zero, which it accepts. */
	ruleset = (int)syscall(CREATE_RULESET, &all, sizeof all, 0U);
	if (ruleset < 0)
		return 0;
	allow_files(ruleset, sandbox);
	if (all.ports != 0 && sandbox->port != 0)
		allow_port(ruleset, sandbox->port);
	if (syscall(RESTRICT_SELF, ruleset, 0U) != 0)
		return 0;
	return SANDBOX_FILES | (all.ports != 0 ? SANDBOX_PORTS : 0);
}
