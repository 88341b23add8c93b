/* SPDX-License-Identifier: Apache-2.0 */
/* Remember a moment between runs of the agent, in the modification time of an empty file.
 *
 * A file without content can be made, and its time set, when the file system is full. */
#ifndef EXC_STAMP_H
#define EXC_STAMP_H

#include <stdbool.h>
#include <stdint.h>

#include "ledger/ledger.h"

/* Store `value` (0 and more) under `name`, a file name of this project. Failing is silent: whoever
 * reads gets the value before. */
void stamp_write(const struct ledger *ledger, const char *name, int64_t value);

/* The value, or 0 when there is none. */
int64_t stamp_read(const struct ledger *ledger, const char *name);

/* True if `name` was not set, or its time has come; it is then set to `seconds` from now on the
 * clock that nobody can set. So of many runs about one a period gets true. */
bool stamp_once_per(const struct ledger *ledger, const char *name, int64_t seconds);

#endif
