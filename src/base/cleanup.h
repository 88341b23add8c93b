/* SPDX-License-Identifier: Apache-2.0 */
/* Free what a variable owns when it goes out of scope. */
#ifndef EXC_BASE_CLEANUP_H
#define EXC_BASE_CLEANUP_H

#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(function) __attribute__((cleanup(function)))

/* DEFINE_CLEANUP(BIO, BIO_free_all) makes cleanup_BIO_free_all(), for _cleanup_(). */
#define DEFINE_CLEANUP(type, function)                                                             \
	static inline void cleanup_##function(type **variable)                                     \
	{                                                                                          \
		if (*variable != NULL)                                                             \
			function(*variable);                                                       \
	}                                                                                          \
	struct cleanup_needs_a_semicolon

static inline void cleanup_free(void *variable)
{
	free(*(void **)variable);
}

static inline void cleanup_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

#define _cleanup_free_ _cleanup_(cleanup_free)
#define _cleanup_close_ _cleanup_(cleanup_close)

#endif
