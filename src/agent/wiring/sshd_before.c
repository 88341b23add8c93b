/* SPDX-License-Identifier: Apache-2.0 */
/* The machine's sshd as it is before `sshd enable` or `disable` changes anything. */
#include "agent/wiring/sshd_before.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/wiring/sshd_pending.h"

int sshd_command_fail(const char *what, const char *why)
{
	fprintf(stderr, "exc-instance-connect: %s%s%s\n", what, why[0] == '\0' ? "" : ": ", why);
	return EXIT_FAILURE;
}

bool sshd_before_look_without_ours(struct sshd_before *before, char *why, size_t size)
{
	struct sshd_effective effective;

	if (!sshd_without_ours_make(&before->without, why, size) ||
	    !sshd_ask(&before->without.sshd, NULL, &effective, why, size) ||
	    !sshd_views_ask(&before->without.sshd, &before->views, why, size))
		return false;
	sshd_value(&effective, "authorizedkeyscommand", before->command);
	sshd_value(&effective, "authorizedkeyscommanduser", before->command_user);
	sshd_value(&effective, "authorizedprincipalscommand", before->principals_command);
	sshd_value(&effective, "authorizedprincipalscommanduser", before->principals_user);
	return true;
}

void sshd_before_forget(struct sshd_before *before)
{
	sshd_without_ours_forget(&before->without);
	sshd_views_forget(&before->views);
	file_backup_forget(&before->backup);
}

bool sshd_before_look(struct sshd_before *before)
{
	char why[SSHD_WHY_SIZE] = "", command[SSHD_VALUE_SIZE];

	before->without.directory[0] = '\0';
	before->views.count = 0;

	if (geteuid() != 0) {
		sshd_command_fail("this changes sshd's configuration and needs root", "try sudo");
		return false;
	}
	if (access(SSHD_PROGRAM, X_OK) != 0) {
		sshd_command_fail("there is no " SSHD_PROGRAM, "install openssh-server first");
		return false;
	}
	sshd_find(&before->sshd);
	if (!sshd_test(&before->sshd, why, sizeof why) ||
	    !sshd_ask(&before->sshd, NULL, &before->effective, why, sizeof why)) {
		sshd_command_fail(
			"sshd's configuration is already broken, and nothing was changed; fix it first",
			why);
		return false;
	}
	sshd_service_look(&before->effective, &before->running);
	before->answers = sshd_service_answers(&before->running);
	/* It keeps using those that it has loaded, until a reload. */
	if (!before->effective.has_host_keys &&
	    (before->answers || sshd_running_is_alive(&before->running))) {
		sshd_command_fail(
			"sshd is running but its host keys are gone, and nothing was changed",
			"make new ones first, with: ssh-keygen -A");
		return false;
	}
	wiring_look(&before->wiring);
	sshd_value(&before->effective, "authorizedkeyscommand", command);
	before->asks_agent = sshd_command_is_ours(command);
	before->origin = sshd_service_command_origin(&before->sshd, &before->running);
	before->pending = sshd_pending(&before->sshd, &before->effective, &before->running,
				       before->edit, sizeof before->edit);
	if (wiring_save(&before->backup, why, sizeof why))
		return true;
	sshd_command_fail("nothing was changed", why);
	return false;
}
