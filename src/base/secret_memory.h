/* SPDX-License-Identifier: Apache-2.0 */
/* Memory for secrets: kept out of swap and core files, and overwritten before it is freed. */
#ifndef EXC_BASE_SECRET_MEMORY_H
#define EXC_BASE_SECRET_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* Map `size` bytes: zeros, or what is in the file `fd` unless that is -1. They are locked as far as
 * RLIMIT_MEMLOCK allows (mlock(2)); *is_locked, if not NULL, is whether they are, and errno why
 * not. Children do not inherit them. NULL with errno when there is no memory. */
void *secret_memory_map(size_t size, int fd, bool *is_locked);

/* Overwrite and unmap; NULL is fine. */
void secret_memory_unmap(void *memory, size_t size);

#endif
