/* SPDX-License-Identifier: Apache-2.0 */
/* Can root alone change what a path leads to? */
#ifndef EXC_BASE_ROOT_ONLY_H
#define EXC_BASE_ROOT_ONLY_H

#include <stdbool.h>
#include <stddef.h>

#define ROOT_ONLY_PATH_SIZE 512

/* sshd runs a program only if the file and every directory on the way to it belong to root and are
 * writable by neither group nor others (sshd_config(5), AuthorizedKeysCommand). The same question,
 * about an absolute path; symbolic links are followed. False, with in `place` the first part of the
 * path that others may change, or that does not exist (errno is then not 0). */
bool root_only(const char *path, char place[ROOT_ONLY_PATH_SIZE]);

#endif
