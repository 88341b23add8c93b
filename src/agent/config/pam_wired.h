/* SPDX-License-Identifier: Apache-2.0 */
/* May the agent rely on the PAM module to spend keys? */
#ifndef EXC_PAM_WIRED_H
#define EXC_PAM_WIRED_H

#include <stdbool.h>

/* Bytes of the file that are looked at */
#define PAM_WIRED_BYTES_MAX 1024

/* True if the file at `path` (PAM_WIRED_FILE) is there; and, when a line of it is a path, as
 * `sshd enable` writes the module's, if what it names is there: PAM passes over a module that is
 * missing, and nobody is to get in twice by that. */
bool pam_wired(const char *path);

#endif
