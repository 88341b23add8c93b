/* SPDX-License-Identifier: Apache-2.0 */
/* Let one allocation fail: linked into a program, or loaded before it (LD_PRELOAD). */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fault.h"

/* The C library's own, which calls no other function of these names */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static struct fault *shared;

void fault_allocations(struct fault *fault)
{
	shared = fault;
}

static bool is_memory(enum fault_kind kind)
{
	return kind == FAULT_MEMORY_ONCE || kind == FAULT_MEMORY_GONE;
}

/* Is this the one? */
static bool fails(void)
{
	if (shared == NULL || !shared->armed || !is_memory(shared->kind))
		return false;
	shared->points++;
	if (shared->points < shared->at ||
	    (shared->points > shared->at && shared->kind == FAULT_MEMORY_ONCE))
		return false;
	shared->done = shared->last_choice = true;
	shared->error = errno = ENOMEM;
	return true;
}

void *malloc(size_t size)
{
	return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	return fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
	return fails() ? NULL : __libc_realloc(old, size);
}

void *reallocarray(void *old, size_t count, size_t size)
{
	if (size != 0 && count > SIZE_MAX / size) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(old, count * size);
}

void *memalign(size_t alignment, size_t size)
{
	return fails() ? NULL : __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	return memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
	*out = memalign(alignment, size);
	return *out == NULL ? ENOMEM : 0;
}

/* The agent starts as the front, and is loaded anew when that becomes it: both count on. */
static bool is_agent(void)
{
	return strncmp(program_invocation_short_name, "exc-instance-", 13) == 0;
}

/* What is loaded into another program finds the memory by its environment. What the agent starts
 * does not count, and gets neither. */
static void __attribute__((constructor)) find_memory(void)
{
	const char *number = getenv(FAULT_MEMORY);
	void *memory;

	if (number == NULL)
		return;
	if (!is_agent()) {
		close(atoi(number));
		unsetenv(FAULT_MEMORY);
		unsetenv("LD_PRELOAD");
		return;
	}
	memory = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, atoi(number), 0);
	if (memory != MAP_FAILED)
		shared = memory;
}
