/* SPDX-License-Identifier: Apache-2.0 */
/* What the ledger's files are called, and how its directories and offers are opened: for ledger.c
 * and the sweep. */
#ifndef EXC_LEDGER_ENTRY_H
#define EXC_LEDGER_ENTRY_H

#include <dirent.h>
#include <stdbool.h>

#include "ledger/offer.h"
#include "base/cleanup.h"

/* After the hash of the jti, 64 characters */
#define LEDGER_ENTRY_OFFERED ".offered"
#define LEDGER_ENTRY_USED ".used"
/* hash, suffix, pid */
#define LEDGER_ENTRY_NAME_SIZE (DIGEST_HEX_SIZE + 24)

DEFINE_CLEANUP(DIR, closedir);
#define _cleanup_dir_ _cleanup_(cleanup_closedir)

/* Open a directory, never a symlink: a descriptor for the caller to close, or -1 with errno. */
int ledger_directory(int parent, const char *name);

/* The same for reading its entries: a separate stream, so that reading does not move the caller's
 * descriptor. For the caller to closedir(); NULL with errno. */
DIR *ledger_stream(int parent, const char *name);

/* Is `name` <64 characters><suffix>? */
bool ledger_entry_is(const char *name, const char *suffix);

/* Read an offer by its file name; `text` is what it says. False, with errno, if it is gone
 * (ENOENT), cannot be read, or was not written by this version (EBADMSG). */
bool ledger_entry_load(int folder, const char *name, char text[OFFER_BYTES_MAX],
		       struct offer *offer);

#endif
