/* SPDX-License-Identifier: Apache-2.0 */
/* exc ssh-config: let plain ssh, and anything that runs it, reach exc-42 with one-time keys. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/key_agent/agent.h"
#include "cli/commands.h"
#include "cli/api/credentials.h"
#include "cli/key_agent/runtime_folder.h"
#include "cli/terminal/options.h"
#include "cli/terminal/say.h"
#include "cli/api/session.h"
#include "cli/ssh/ssh_command.h"
#include "cli/ssh/proxy_command.h"
#include "base/cleanup.h"

struct wish {
	struct account_options account;
	const char *user;
	const char *via;
};

static void print_argument(const char *name, const char *value)
{
	_cleanup_free_ char *quoted = value == NULL ? NULL : ssh_command_quote(value);

	if (quoted != NULL)
		printf(" --%s %s", name, quoted);
}

/* A socket passed to ssh costs nothing on the way; a WebSocket cannot be passed. */
static void print_proxy(const struct wish *wish, const char *exc, const char *folder)
{
	bool tunnel = wish->via != NULL && strcmp(wish->via, "tunnel") == 0;

	printf("\tProxyCommand %s compute tunnel --host %%h --user %%r --folder %s", exc, folder);
	print_argument("endpoint", wish->account.endpoint);
	print_argument("cacert", wish->account.cacert);
	printf(" %s\n", tunnel ? "--via tunnel" : "--pass");
	printf("\tProxyUseFdpass %s\n", tunnel ? "no" : "yes");
}

static void print_block(const struct wish *wish, const char *exc, const char *folder)
{
	printf("# Printed by exc ssh-config: ssh " VM_ALIAS_PREFIX
	       "42 logs in to VM 42 with a key for that login\n"
	       "Host " VM_ALIAS_PREFIX "*\n");
	if (wish->user != NULL)
		printf("\tUser %s\n", wish->user);
	print_proxy(wish, exc, folder);
	printf("\tIdentityAgent %s/" AGENT_SOCKET "\n"
	       "\tIdentityFile none\n"
	       "\tIdentitiesOnly no\n"
	       "\tPreferredAuthentications publickey\n"
	       "\tUserKnownHostsFile %s/" FOLDER_KNOWN_HOSTS "\n"
	       "\tGlobalKnownHostsFile /dev/null\n"
	       "\tStrictHostKeyChecking yes\n"
	       "\tUpdateHostKeys no\n"
	       "\tCheckHostIP no\n",
	       folder, folder);
}

static bool is_valid(const struct wish *wish)
{
	if (wish->user != NULL && !grant_user_is_valid(wish->user))
		say("--user %s is not the name of a Linux user", wish->user);
	else if (wish->via != NULL && strcmp(wish->via, "tunnel") != 0 &&
		 strcmp(wish->via, "direct") != 0)
		say("--via must be direct or tunnel");
	else
		return true;
	return false;
}

int ssh_config_main(int argc, char **argv)
{
	struct wish wish = { 0 };
	const struct option list[] = {
		{ "user", "NAME", "log in as this user, unless ssh names another", &wish.user,
		  NULL },
		{ "via", "direct|tunnel",
		  "connect to the VMs directly, or through the control plane", &wish.via, NULL },
		ACCOUNT_OPTIONS(wish.account),
	};
	const struct options options = {
		.command = "ssh-config",
		.summary = "Print what to add to ~/.ssh/config, so that plain ssh reaches exc-42.",
		OPTIONS_LIST(list),
	};
	_cleanup_free_ char *exc = tunnel_own_path();
	char folder[FOLDER_SIZE], **rest;
	int status;

	if (!options_read(&options, argc, argv, &rest, &status))
		return status;
	if (!is_valid(&wish))
		return EXIT_EXC_FAILED;
	if (exc == NULL || !folder_default(folder)) {
		say("XDG_RUNTIME_DIR is too long or has unusual characters in it");
		return EXIT_EXC_FAILED;
	}
	print_block(&wish, exc, folder);
	return EXIT_SUCCESS;
}
