/* SPDX-License-Identifier: Apache-2.0 */
/* Have ssh reach a VM through the control plane: this program as its ProxyCommand. */
#include "cli/ssh/proxy_command.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/terminal/say.h"
#include "cli/ssh/ssh_command.h"
#include "base/cleanup.h"

char *tunnel_own_path(void)
{
	char path[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);

	if (length <= 0)
		return NULL;
	path[length] = '\0';
	return ssh_command_quote(path);
}

char *tunnel_proxy_command(void)
{
	_cleanup_free_ char *path = tunnel_own_path();
	char *command;

	if (path == NULL || asprintf(&command, "%s compute tunnel --session", path) < 0)
		return NULL;
	return command;
}

static bool put(const char *name, const char *value)
{
	return value == NULL || setenv(name, value, 1) == 0;
}

bool tunnel_hand_on(const struct account_options *account, const char *session_id)
{
	if (put(TUNNEL_SESSION_VARIABLE, session_id) && put(ENDPOINT_VARIABLE, account->endpoint) &&
	    put("EXC_CACERT", account->cacert))
		return true;
	say("no memory");
	return false;
}
