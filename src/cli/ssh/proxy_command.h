/* SPDX-License-Identifier: Apache-2.0 */
/* Have ssh reach a VM through the control plane: this program as its ProxyCommand. */
#ifndef EXC_TUNNEL_H
#define EXC_TUNNEL_H

#include <stdbool.h>

#include "cli/api/credentials.h"

/* The environment variable with the id of a session that is minted already. What is in arguments,
 * every user of a machine can read. */
#define TUNNEL_SESSION_VARIABLE "EXC_SESSION_ID"

/* The ProxyCommand that tunnels the session in TUNNEL_SESSION_VARIABLE, quoted for the shell that
 * ssh gives it to. The caller frees. NULL when our own path is not known, or without memory. */
char *tunnel_proxy_command(void);

/* Put into the environment what that command needs: the session, and what the command line said of
 * the account. The token it finds where we found it. False, having said why, without memory. */
bool tunnel_hand_on(const struct account_options *account, const char *session_id);

/* Our own path, quoted as ssh_command_quote() does. The caller frees; NULL as above. */
char *tunnel_own_path(void);

#endif
