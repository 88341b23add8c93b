/* SPDX-License-Identifier: Apache-2.0 */
/* Run ssh or scp with a one-time key: what connect, exec and scp have in common. */
#include "cli/ssh/ssh_run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "cli/ssh/child.h"
#include "cli/ssh/known_hosts.h"
#include "base/memory_file.h"
#include "cli/terminal/say.h"
#include "cli/api/session.h"
#include "cli/ssh/proxy_command.h"
#include "base/cleanup.h"

#define DESTINATION_SIZE (GRANT_USER_SIZE + VM_ALIAS_SIZE)
#define PORT_SIZE 12

/* One run: ssh's settings, and what they refer to. */
struct run {
	const struct target *target;
	const struct remote_job *job;
	struct session session;
	struct memory_file key;
	struct memory_file known_hosts;
	struct ssh_command command;
};

static bool via_tunnel(const struct target *target)
{
	return target->via != NULL && strcmp(target->via, "tunnel") == 0;
}

static bool target_is_valid(const struct target *target)
{
	if (target->vm_id == NULL)
		say("--vm-id is missing: name the VM");
	else if (!vm_id_is_valid(target->vm_id))
		say("--vm-id %s is not the id of a VM", target->vm_id);
	else if (target->user != NULL && !grant_user_is_valid(target->user))
		say("--user %s is not the name of a Linux user", target->user);
	else if (target->via != NULL && !via_tunnel(target) && strcmp(target->via, "direct") != 0)
		say("--via must be direct or tunnel");
	else
		return true;
	return false;
}

/* The whole command line into run->command. */
static bool compose(struct run *run, const struct ssh_settings *settings, const char *user)
{
	char destination[DESTINATION_SIZE];

	snprintf(destination, sizeof destination, "%s@%s", user, settings->alias);
	ssh_command_begin(&run->command, run->job->program, settings);
	run->job->finish(&run->command, destination, run->job->context);
	if (run->command.incomplete)
		say("the command line has more than %d words, or memory is short",
		    SSH_COMMAND_WORDS_MAX);
	return !run->command.incomplete;
}

static int print_only(struct run *run)
{
	_cleanup_free_ char *proxy = via_tunnel(run->target) ? tunnel_proxy_command() : NULL;
	char alias[VM_ALIAS_SIZE];
	const struct ssh_settings settings = {
		.key_path = "KEY",
		.known_hosts_path = "KNOWN_HOSTS",
		.alias = alias,
		.host = proxy == NULL ? "HOST" : NULL,
		.port = proxy == NULL ? "PORT" : NULL,
		.proxy_command = proxy,
	};

	snprintf(alias, sizeof alias, VM_ALIAS_PREFIX "%s", run->target->vm_id);
	if (!compose(run, &settings, run->target->user == NULL ? "USER" : run->target->user))
		return EXIT_EXC_FAILED;
	ssh_command_print(&run->command);
	return EXIT_SUCCESS;
}

static bool has_terminal(void)
{
	_cleanup_close_ int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);

	return fd >= 0;
}

/* Put the host keys into memory, or tell the user that there are none. */
static bool prepare_known_hosts(struct run *run)
{
	_cleanup_free_ char *lines = known_hosts_lines(&run->session);

	if (lines != NULL) {
		if (memory_file_make(&run->known_hosts, "known_hosts", lines, strlen(lines)))
			return true;
		say("cannot write known_hosts to memory: %s", strerror(errno));
		return false;
	}
	say("the control plane has no host key for VM %s", run->target->vm_id);
	if (has_terminal()) {
		say("compare the fingerprint with the one on the VM's console; answer no if you cannot");
		return true;
	}
	say("exc stops, as there is no terminal to ask you on; on the VM run "
	    "exc-instance-connect publish-host-keys, or have your administrator register the key");
	return false;
}

static bool prepare_key(struct run *run, struct keypair *pair)
{
	bool good =
		memory_file_make(&run->key, "key", pair->private_key, strlen(pair->private_key));

	if (!good)
		say("cannot write the key to memory: %s", strerror(errno));
	keypair_forget(pair);
	return good;
}

/* Everything is minted and in place. */
static int run_program(struct run *run)
{
	bool tunnel = via_tunnel(run->target);
	_cleanup_free_ char *proxy = tunnel ? tunnel_proxy_command() : NULL;
	char port[PORT_SIZE];
	const struct ssh_settings settings = {
		.key_path = run->key.path,
		.known_hosts_path = run->known_hosts.fd < 0 ? NULL : run->known_hosts.path,
		.alias = run->session.alias,
		.host = tunnel ? NULL : run->session.host,
		.port = tunnel ? NULL : port,
		.proxy_command = proxy,
	};

	snprintf(port, sizeof port, "%u", run->session.port);
	if (!compose(run, &settings, run->session.user) ||
	    (tunnel && (proxy == NULL || !tunnel_hand_on(&run->target->account, run->session.id))))
		return EXIT_EXC_FAILED;
	return child_run(run->command.words);
}

static int mint_and_run(struct run *run)
{
	const struct session_wish wish = { .vm_id = run->target->vm_id,
					   .user = run->target->user,
					   .command = run->job->command };
	struct account account;
	struct keypair pair;
	char why[SAY_SIZE];
	bool good;

	if (!account_load(&run->target->account, &account, why, sizeof why)) {
		say("%s", why);
		account_forget(&account);
		return EXIT_EXC_FAILED;
	}
	good = session_mint(&account, &wish, &pair, &run->session);
	account_forget(&account);
	if (!good)
		return EXIT_EXC_FAILED;
	/* A secret exists from here on. */
	child_hold_signals();
	if (!prepare_key(run, &pair) || !prepare_known_hosts(run))
		return EXIT_EXC_FAILED;
	return run_program(run);
}

int remote_run(const struct target *target, const struct remote_job *job)
{
	struct run run = { .target = target,
			   .job = job,
			   .key = MEMORY_FILE_NONE,
			   .known_hosts = MEMORY_FILE_NONE };
	int status;

	if (!target_is_valid(target))
		return EXIT_EXC_FAILED;
	status = target->dry_run ? print_only(&run) : mint_and_run(&run);
	memory_file_wipe(&run.key);
	memory_file_wipe(&run.known_hosts);
	ssh_command_free(&run.command);
	session_free(&run.session);
	return status;
}
