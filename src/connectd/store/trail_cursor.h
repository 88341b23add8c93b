/* SPDX-License-Identifier: Apache-2.0 */
/* Where a list of rows goes on, without telling how many rows there are of others. */
#ifndef EXC_CONNECTD_STORE_TRAIL_CURSOR_H
#define EXC_CONNECTD_STORE_TRAIL_CURSOR_H

#include <stdbool.h>
#include <stdint.h>

#include "connectd/store/store.h"

/* 32 hexadecimal digits and a NUL */
#define TRAIL_CURSOR_SIZE 33

/* The cursor for a row's id, and back. False if the store fails, or the text is no cursor of this
 * database. */
bool trail_cursor_print(const struct store *store, int64_t id, char text[TRAIL_CURSOR_SIZE]);
bool trail_cursor_read(const struct store *store, const char *text, int64_t *id);

#endif
