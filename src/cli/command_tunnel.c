/* SPDX-License-Identifier: Apache-2.0 */
/* exc compute tunnel: the bytes between ssh and a VM's sshd, as ssh's ProxyCommand. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/key_agent/agent.h"
#include "cli/ssh/tcp_bridge.h"
#include "cli/commands.h"
#include "cli/key_agent/runtime_folder.h"
#include "cli/ssh/known_hosts.h"
#include "cli/terminal/options.h"
#include "cli/terminal/say.h"
#include "cli/api/session.h"
#include "cli/ssh/proxy_command.h"
#include "cli/api/websocket.h"
#include "base/cleanup.h"

#define PATH "/compute/instance/connect/tunnel/"

/* The command line's options. */
struct wish {
	struct account_options account;
	const char *vm_id;
	const char *host; /* "exc-42", as ssh passes it */
	const char *user;
	const char *via;
	const char *folder;
	bool pass;
	bool session;
};

static int through_control_plane(const struct account *account, const char *session_id)
{
	char path[sizeof PATH + SESSION_ID_SIZE];
	const struct websocket_job job = { .account = account,
					   .path = path,
					   .what = "the tunnel",
					   .input = STDIN_FILENO,
					   .output = STDOUT_FILENO };

	if (strlen(session_id) >= SESSION_ID_SIZE || strchr(session_id, '/') != NULL) {
		say("the session id is not valid");
		return EXIT_EXC_FAILED;
	}
	snprintf(path, sizeof path, PATH "%s", session_id);
	return websocket_run(&job) ? EXIT_SUCCESS : EXIT_EXC_FAILED;
}

static int direct(const struct session *session, bool pass)
{
	char why[SAY_SIZE];
	int fd = bridge_connect(session->host, session->port, why, sizeof why);
	bool good;

	if (fd < 0) {
		say("%s; if the VM cannot be reached from here, try --via tunnel", why);
		return EXIT_EXC_FAILED;
	}
	good = pass ? bridge_pass(fd) : bridge_run(fd);
	if (!good)
		say("the connection broke: %s", strerror(errno));
	close(fd);
	return good ? EXIT_SUCCESS : EXIT_EXC_FAILED;
}

/* What ssh will look for: the host's key in the file, and the user's in the agent. */
static bool prepare_ssh(const char *folder, const struct session *session,
			const struct keypair *pair)
{
	_cleanup_free_ char *lines = known_hosts_lines(session);
	char path[FOLDER_SIZE + sizeof FOLDER_KNOWN_HOSTS], why[SAY_SIZE];

	if (lines == NULL) {
		say("the control plane has no host key for %s, so ssh cannot verify the VM; "
		    "on the VM run exc-instance-connect publish-host-keys, or have your "
		    "administrator register the key",
		    session->alias);
		return false;
	}
	if (!folder_make(folder, why, sizeof why)) {
		say("%s", why);
		return false;
	}
	snprintf(path, sizeof path, "%s/" FOLDER_KNOWN_HOSTS, folder);
	if (!known_hosts_update(path, session->alias, lines)) {
		say("%s: %s", path, strerror(errno));
		return false;
	}
	if (agent_hand_over(folder, pair, session->expires_in, why, sizeof why))
		return true;
	say("%s", why);
	return false;
}

static int mint_and_carry(const struct wish *wish, const struct account *account,
			  const char *folder)
{
	const struct session_wish login = { .vm_id = wish->vm_id, .user = wish->user };
	_cleanup_session_ struct session session = { 0 };
	struct keypair pair;
	bool good;

	if (!session_mint(account, &login, &pair, &session))
		return EXIT_EXC_FAILED;
	good = prepare_ssh(folder, &session, &pair);
	keypair_forget(&pair);
	if (!good)
		return EXIT_EXC_FAILED;
	if (wish->via != NULL && strcmp(wish->via, "tunnel") == 0)
		return through_control_plane(account, session.id);
	return direct(&session, wish->pass);
}

/* --host exc-42 is --vm-id 42. */
static bool complete(struct wish *wish, char folder[FOLDER_SIZE])
{
	const size_t prefix = strlen(VM_ALIAS_PREFIX);

	if (wish->vm_id == NULL && wish->host != NULL &&
	    strncmp(wish->host, VM_ALIAS_PREFIX, prefix) == 0)
		wish->vm_id = wish->host + prefix;
	if (wish->vm_id == NULL || !vm_id_is_valid(wish->vm_id)) {
		say("--vm-id is missing, or not the id of a VM");
		return false;
	}
	if (wish->folder != NULL && strlen(wish->folder) < FOLDER_SIZE) {
		snprintf(folder, FOLDER_SIZE, "%s", wish->folder);
	} else if (wish->folder != NULL || !folder_default(folder)) {
		say("--folder, or XDG_RUNTIME_DIR, is too long or has unusual characters in it");
		return false;
	}
	if (wish->via != NULL && strcmp(wish->via, "tunnel") != 0 &&
	    strcmp(wish->via, "direct") != 0) {
		say("--via must be direct or tunnel");
		return false;
	}
	return true;
}

static int carry(struct wish *wish, const struct account *account)
{
	const char *session_id = getenv(TUNNEL_SESSION_VARIABLE);
	char folder[FOLDER_SIZE];

	if (wish->session && session_id == NULL) {
		say("no session id in " TUNNEL_SESSION_VARIABLE);
		return EXIT_EXC_FAILED;
	}
	if (wish->session)
		return through_control_plane(account, session_id);
	return complete(wish, folder) ? mint_and_carry(wish, account, folder) : EXIT_EXC_FAILED;
}

int tunnel_main(int argc, char **argv)
{
	struct wish wish = { 0 };
	const struct option list[] = {
		{ "vm-id", "ID", "the VM", &wish.vm_id, NULL },
		{ "host", "exc-ID", "the same, as ssh_config's %h gives it", &wish.host, NULL },
		{ "user", "NAME", "log in as this user, %r; default: the VM's first", &wish.user,
		  NULL },
		{ "via", "direct|tunnel",
		  "connect to the VM directly, or through the control plane", &wish.via, NULL },
		{ "folder", "PATH", "where agent.sock and known_hosts are", &wish.folder, NULL },
		{ "pass", NULL, "hand the connection to ssh: ProxyUseFdpass yes", NULL,
		  &wish.pass },
		{ "session", NULL, "tunnel for the session in " TUNNEL_SESSION_VARIABLE, NULL,
		  &wish.session },
		ACCOUNT_OPTIONS(wish.account),
	};
	const struct options options = {
		.command = "compute tunnel",
		.summary = "Connect ssh to a VM as its ProxyCommand, with a key in its agent.",
		OPTIONS_LIST(list),
	};
	struct account account;
	char why[SAY_SIZE], **rest;
	int status = EXIT_EXC_FAILED;

	if (!options_read(&options, argc, argv, &rest, &status))
		return status;
	if (account_load(&wish.account, &account, why, sizeof why))
		status = carry(&wish, &account);
	else
		say("%s", why);
	account_forget(&account);
	return status;
}
