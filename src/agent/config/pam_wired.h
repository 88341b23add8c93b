/* SPDX-License-Identifier: Apache-2.0 */
/* May the agent rely on the PAM module to spend keys? */
#ifndef EXC_AGENT_CONFIG_PAM_WIRED_H
#define EXC_AGENT_CONFIG_PAM_WIRED_H

#include <stdbool.h>

/* Bytes of the file that are read */
#define PAM_WIRED_BYTES_MAX 1024

/* True if the file at `path` (PAM_WIRED_FILE) exists; and, if one of its lines is a path, as `sshd
 * enable` writes the module's, if that exists: PAM ignores a missing module, and nobody may get in
 * twice because of that. */
bool pam_wired(const char *path);

#endif
