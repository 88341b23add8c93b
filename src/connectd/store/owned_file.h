/* SPDX-License-Identifier: Apache-2.0 */
/* Make files for the service's user, whoever makes them. */
#ifndef EXC_OWNED_FILE_H
#define EXC_OWNED_FILE_H

/* Make `path`, which must not be there, for reading and writing by its owner alone (mode 0600).
 * When root makes it, it belongs to the owner and the group of its folder: commands are run by
 * root, and the service has to open what they made. Returns a descriptor, or -1 and errno: EEXIST
 * when there is something of that name, a symbolic link included. */
int owned_file_create(const char *path);

#endif
