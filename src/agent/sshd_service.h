/* SPDX-License-Identifier: Apache-2.0 */
/* Have the machine's sshd read its configuration again, and see that it answers. */
#ifndef EXC_SSHD_SERVICE_H
#define EXC_SSHD_SERVICE_H

#include <stdbool.h>
#include <stddef.h>

#include "agent/sshd.h"

/* Seconds that a reload may take, and that a reloaded sshd may take to answer */
#define SSHD_SERVICE_SECONDS 10

/* Does systemd manage this machine now? In an image that is being made it does not. */
bool sshd_service_has_systemd(void);

/* Is there an sshd that a reload would reach, or one that answers? */
bool sshd_service_runs(const struct sshd_effective *effective);

/* Does sshd answer on the first address that it should listen on? One try. */
bool sshd_service_answers(const struct sshd_effective *effective);

/* Does sshd answer again after a reload, and go on answering for a second? Waits up to
 * SSHD_SERVICE_SECONDS. A first answer says nothing: the process that is about to go can have given
 * it. */
bool sshd_service_stays(const struct sshd_effective *effective);

/* Have systemd read its units again, where it runs. False, with `why`. */
bool sshd_service_read_units(char *why, size_t size);

/* Have a running sshd read its configuration again: through systemd where it manages it, otherwise
 * by SIGHUP to the process in its PidFile. With `restart` it gets another command line; sessions
 * stay. False, with `why`, when that fails; an sshd that does not run, or is started for each
 * connection, needs nothing. */
bool sshd_service_reload(const struct sshd_effective *effective, bool restart, char *why,
			 size_t size);

/* Where an AuthorizedKeysCommand was given */
enum sshd_origin {
	SSHD_ORIGIN_FILES, /* or nowhere */
	SSHD_ORIGIN_UNIT, /* in the unit's ExecStart=, or in a variable that it uses */
	SSHD_ORIGIN_PROCESS /* on the command line of an sshd that our unit did not start */
};
enum sshd_origin sshd_service_command_origin(const struct sshd *sshd,
					     const struct sshd_effective *effective);

#endif
