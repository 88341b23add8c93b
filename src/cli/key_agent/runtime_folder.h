/* SPDX-License-Identifier: Apache-2.0 */
/* The folder for what lives as long as a person is logged in here: the agent's socket, known_hosts.
 */
#ifndef EXC_FOLDER_H
#define EXC_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

#define FOLDER_SIZE 256
#define FOLDER_KNOWN_HOSTS "known_hosts"

/* Where it is: $XDG_RUNTIME_DIR/exc, or /tmp/exc-UID without that. False when the path is too long,
 * not absolute, or has in it what ssh_config or a shell would take for something else. */
bool folder_default(char folder[FOLDER_SIZE]);

/* Make it if it is not there, mode 0700. False, with `why` of `size` bytes, when it is a link or
 * somebody else's, or others may enter: /tmp is everybody's. */
bool folder_make(const char *folder, char *why, size_t size);

#endif
