/* SPDX-License-Identifier: Apache-2.0 */
/* Can root alone change what a path leads to? */
#include "base/root_only.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

bool root_only(const char *path, char place[ROOT_ONLY_PATH_SIZE])
{
	char resolved[PATH_MAX];
	struct stat status;

	snprintf(place, ROOT_ONLY_PATH_SIZE, "%s", path);
	if (realpath(path, resolved) == NULL)
		return false;
	/* Bounded by the slashes of a path */
	for (;;) {
		char *slash = strrchr(resolved, '/');
		const char *shown = resolved[0] == '\0' ? "/" : resolved;

		snprintf(place, ROOT_ONLY_PATH_SIZE, "%.*s", ROOT_ONLY_PATH_SIZE - 1, shown);
		if (stat(shown, &status) != 0)
			return false;
		errno = 0;
		if (status.st_uid != 0 || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
			return false;
		if (slash == NULL)
			return true;
		*slash = '\0';
	}
}
