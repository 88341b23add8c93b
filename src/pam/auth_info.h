/* SPDX-License-Identifier: Apache-2.0 */
/* Read SSH_AUTH_INFO_0, in which sshd names the methods and keys that authenticated
 * (sshd_config(5), ExposeAuthInfo). */
#ifndef EXC_PAM_AUTH_INFO_H
#define EXC_PAM_AUTH_INFO_H

#include <stdbool.h>

#include "base/digest.h"

/* Lines that are checked; AuthenticationMethods rarely asks for more than two. */
#define AUTH_INFO_LINES_MAX 16

/* Take the next plain public key ("publickey TYPE BASE64", whatever comes behind that) from
 * *cursor, which starts as the whole text, and hash its blob into `key_hash`. Passwords,
 * certificates, host keys and anything that cannot be ours are ignored. False if there are no more
 * keys; *cursor is then at the end. */
bool auth_info_next_key(const char **cursor, char key_hash[DIGEST_HEX_SIZE]);

#endif
