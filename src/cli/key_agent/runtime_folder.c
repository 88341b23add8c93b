/* SPDX-License-Identifier: Apache-2.0 */
/* The directory for what lasts as long as a user is logged in here: the agent's socket,
 * known_hosts. */
#include "cli/key_agent/runtime_folder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PLAIN "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+@"

bool folder_default(char folder[FOLDER_SIZE])
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	int length;

	if (runtime != NULL && runtime[0] != '\0')
		length = snprintf(folder, FOLDER_SIZE, "%s/exc", runtime);
	else
		length = snprintf(folder, FOLDER_SIZE, "/tmp/exc-%u", (unsigned int)getuid());
	return length > 0 && length < FOLDER_SIZE && folder[0] == '/' &&
	       strspn(folder, PLAIN) == strlen(folder);
}

bool folder_make(const char *folder, char *why, size_t size)
{
	struct stat status;

	if ((mkdir(folder, 0700) != 0 && errno != EEXIST) || lstat(folder, &status) != 0)
		snprintf(why, size, "%.200s: %s", folder, strerror(errno));
	else if (!S_ISDIR(status.st_mode) || status.st_uid != geteuid())
		snprintf(why, size, "%.200s is not a directory that you own", folder);
	else if ((status.st_mode & 0077) != 0)
		snprintf(why, size, "%.200s is open to other users; chmod 700 it", folder);
	else
		return true;
	return false;
}
