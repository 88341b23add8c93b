/* SPDX-License-Identifier: Apache-2.0 */
/* How the ledger's directories and files are opened, and made whole: for the parts of the ledger.
 */
#ifndef EXC_LEDGER_ENTRY_H
#define EXC_LEDGER_ENTRY_H

#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>

#include "ledger/ledger.h"
#include "base/cleanup.h"

/* A digest and the suffix of an unfinished file, or a pid */
#define ENTRY_NAME_SIZE (DIGEST_HEX_SIZE + 24)

DEFINE_CLEANUP(DIR, closedir);
#define _cleanup_dir_ _cleanup_(cleanup_closedir)

/* Open a directory, never a symlink: a descriptor for the caller to close, or -1 with errno. */
int entry_directory(int parent, const char *name);

/* The same for reading its entries: a separate stream, so that reading does not move the caller's
 * descriptor. For the caller to closedir(); NULL with errno. */
DIR *entry_stream(int parent, const char *name);

/* When a file of the ledger says that it is, in nanoseconds of clock_boottime_ns(). False with
 * errno. */
bool entry_time(int folder, const char *name, int64_t *time);

/* Make `name` whole, with this text and this time: new, with false and EEXIST if it exists, or in
 * place of what was there. False with errno. (O_TMPFILE would avoid a second name, but linking it
 * needs /proc or a capability.) */
bool entry_make(int folder, const char *name, const char *text, size_t length, int64_t time);
bool entry_replace(int folder, const char *name, const char *text, size_t length, int64_t time);

/* Read a file whole, with a NUL after it. Returns its length, or -1 with errno. */
ssize_t entry_read(int folder, const char *name, char text[OFFER_BYTES_MAX]);

/* Is this a process id that names a connection's directory? */
bool entry_is_pid(const char *name, pid_t *pid);

/* When a process began, in nanoseconds of clock_boottime_ns(), and rounded down: it asked nothing
 * before that. `start` is in clock ticks. */
int64_t entry_process_began(uint64_t start);

/* Lock a connection's directory until the descriptor is closed: who writes into it waits for the
 * sweep, and the sweep waits for nobody. False with errno. */
bool entry_lock(int folder, bool wait);

#endif
