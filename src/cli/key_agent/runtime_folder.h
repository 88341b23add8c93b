/* SPDX-License-Identifier: Apache-2.0 */
/* The directory for what lasts as long as a user is logged in here: the agent's socket,
 * known_hosts. */
#ifndef EXC_CLI_KEY_AGENT_RUNTIME_FOLDER_H
#define EXC_CLI_KEY_AGENT_RUNTIME_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

#define FOLDER_SIZE 256
#define FOLDER_KNOWN_HOSTS "known_hosts"

/* Where it is: $XDG_RUNTIME_DIR/exc, or /tmp/exc-UID without that. False when the path is too long,
 * not absolute, or has characters that are special to ssh_config or a shell. */
bool folder_default(char folder[FOLDER_SIZE]);

/* Make it if it does not exist, mode 0700. False, with `why` of `size` bytes, when it is a link,
 * belongs to another user or is open to others: anyone can write to /tmp. */
bool folder_make(const char *folder, char *why, size_t size);

#endif
