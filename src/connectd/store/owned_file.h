/* SPDX-License-Identifier: Apache-2.0 */
/* Make files that belong to the service's user, whoever makes them. */
#ifndef EXC_CONNECTD_STORE_OWNED_FILE_H
#define EXC_CONNECTD_STORE_OWNED_FILE_H

/* Make `path`, which must not exist, readable and writable by its owner alone (mode 0600). If root
 * makes it, it gets the owner and the group of its directory: root runs the commands, and the
 * service has to open what they made. Returns a descriptor, or -1 and errno: EEXIST when the name
 * exists, even as a symbolic link. */
int owned_file_create(const char *path);

#endif
