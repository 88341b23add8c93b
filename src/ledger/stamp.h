/* SPDX-License-Identifier: Apache-2.0 */
/* Remember a time between runs of the agent, in the modification time of an empty file.
 *
 * An empty file can be made, and its time set, even on a full file system. */
#ifndef EXC_LEDGER_STAMP_H
#define EXC_LEDGER_STAMP_H

#include <stdbool.h>
#include <stdint.h>

#include "ledger/ledger.h"

/* Store `value` (0 and more) under `name`, a file name of this project. Failure is silent: readers
 * get the previous value. */
void stamp_write(const struct ledger *ledger, const char *name, int64_t value);

/* The value, or 0 if it is not set. */
int64_t stamp_read(const struct ledger *ledger, const char *name);

/* True if `name` was not set, or its time has come; it is then set to `seconds` from now on the
 * clock that nobody can set. So about one run per period gets true. */
bool stamp_once_per(const struct ledger *ledger, const char *name, int64_t seconds);

#endif
