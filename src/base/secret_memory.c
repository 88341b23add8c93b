/* SPDX-License-Identifier: Apache-2.0 */
/* Memory for secrets: kept out of swap and core files, and overwritten before it is freed. */
#include "base/secret_memory.h"

#include <sys/mman.h>

#include <openssl/crypto.h>

void *secret_memory_map(size_t size, int fd, bool *is_locked)
{
	const int flags = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);
	bool locked;

	if (memory == MAP_FAILED)
		return NULL;
	(void)madvise(memory, size, MADV_DONTDUMP);
	(void)madvise(memory, size, MADV_DONTFORK);
	locked = mlock(memory, size) == 0;
	if (is_locked != NULL)
		*is_locked = locked;
	return memory;
}

void secret_memory_unmap(void *memory, size_t size)
{
	if (memory == NULL)
		return;
	OPENSSL_cleanse(memory, size);
	munmap(memory, size);
}
