/* SPDX-License-Identifier: Apache-2.0 */
/* The public halves of this machine's SSH host keys. */
#ifndef EXC_HOST_KEYS_H
#define EXC_HOST_KEYS_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "agent/config/problem.h"

#define HOST_KEYS_MAX 16
/* Where every distribution has them, unless sshd_config says something else */
#define HOST_KEYS_PATTERN "/etc/ssh/ssh_host_*_key.pub"

/* Append each key as "TYPE BASE64", without its comment, to the JSON array. `files` (NULL-ended)
 * names them; if it names none, HOST_KEYS_PATTERN does, and what is no host key for us there (DSA)
 * is passed over. False, with `detail`, when a named file is no key, or there is none at all. */
bool host_keys_read(const char *const *files, cJSON *keys, char detail[PROBLEM_DETAIL_SIZE]);

/* Is this a file that HOST_KEYS_PATTERN finds? */
bool host_keys_has_usual_place(const char *path);

#endif
