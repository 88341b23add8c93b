/* SPDX-License-Identifier: Apache-2.0 */
/* Have ssh reach a VM through the control plane: this program as its ProxyCommand. */
#ifndef EXC_CLI_SSH_PROXY_COMMAND_H
#define EXC_CLI_SSH_PROXY_COMMAND_H

#include <stdbool.h>

#include "cli/api/credentials.h"

/* The environment variable with the id of a session that is minted already. Every user of a machine
 * can read arguments. */
#define TUNNEL_SESSION_VARIABLE "EXC_SESSION_ID"

/* The ProxyCommand that tunnels the session in TUNNEL_SESSION_VARIABLE, quoted for the shell that
 * ssh gives it to. The caller frees. NULL when our own path is unknown, or without memory. */
char *tunnel_proxy_command(void);

/* Put into the environment what that command needs: the session, and the command line's options
 * about the account. It finds the token where we did. False, with a message, without memory. */
bool tunnel_hand_on(const struct account_options *account, const char *session_id);

/* Our own path, quoted as ssh_command_quote() does. The caller frees; NULL as above. */
char *tunnel_own_path(void);

#endif
