/* SPDX-License-Identifier: Apache-2.0 */
/* The public halves of this machine's SSH host keys. */
#ifndef EXC_AGENT_REPORT_HOST_KEYS_H
#define EXC_AGENT_REPORT_HOST_KEYS_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "agent/config/problem.h"

#define HOST_KEYS_MAX 16
/* Where all distributions put them, unless sshd_config says otherwise */
#define HOST_KEYS_PATTERN "/etc/ssh/ssh_host_*_key.pub"

/* Append each key as "TYPE BASE64", without its comment, to the JSON array. `files` (NULL-ended)
 * names them; if it names none, HOST_KEYS_PATTERN does, and keys there that we do not support (DSA)
 * are ignored. False, with `detail`, if a named file is not a key, or there are none. */
bool host_keys_read(const char *const *files, cJSON *keys, char detail[PROBLEM_DETAIL_SIZE]);

/* Is the public half of this private key at HOST_KEYS_PATTERN, by its name or by a link? */
bool host_keys_has_usual_place(const char *path);

#endif
