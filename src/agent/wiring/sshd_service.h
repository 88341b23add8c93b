/* SPDX-License-Identifier: Apache-2.0 */
/* Have the machine's sshd reload its configuration, and check that it answers. */
#ifndef EXC_AGENT_WIRING_SSHD_SERVICE_H
#define EXC_AGENT_WIRING_SSHD_SERVICE_H

#include <stdbool.h>
#include <stddef.h>

#include "agent/wiring/sshd_config.h"
#include "agent/wiring/sshd_running.h"

/* Seconds that a reload may take, and that a reloaded sshd may take to answer at one address */
#define SSHD_SERVICE_SECONDS 10

/* Inspect the running sshd, and try each of its addresses once. */
void sshd_service_look(const struct sshd_effective *effective, struct sshd_running *running);

/* Did it answer at one or more of them, when it was inspected? */
bool sshd_service_answers(const struct sshd_running *running);

/* Does sshd answer after a reload, at every address at which it answered `before`, and go on
 * answering for a second? And does it listen where it did, if that could not be tested? Waits up to
 * SSHD_SERVICE_SECONDS for each address. A first answer proves nothing: it may come from the
 * process that is about to exit. On false, `where` is the address ("" if there was none). */
bool sshd_service_stays(const struct sshd_running *before, const struct sshd_effective *effective,
			char where[SSHD_ADDRESS_SIZE]);

/* Have systemd reload its units, if it runs. False, with `why`. */
bool sshd_service_read_units(char *why, size_t size);

/* Have the sshd that was inspected reload its configuration: through systemd if that manages it,
 * otherwise by SIGHUP. With `restart` it gets a new command line; sessions stay. False, with `why`,
 * if that fails; an sshd that did not run, or is started for each connection, needs nothing. */
bool sshd_service_reload(const struct sshd_running *before, bool restart, char *why, size_t size);

/* Start it again as it ran before, after it exited or stopped answering. False, with `why`. */
bool sshd_service_start(const struct sshd_running *before, const struct sshd *sshd, char *why,
			size_t size);

/* Where an AuthorizedKeysCommand was given */
enum sshd_origin {
	SSHD_ORIGIN_FILES, /* or nowhere */
	SSHD_ORIGIN_UNIT, /* in the unit's ExecStart=, or in a variable that it uses */
	SSHD_ORIGIN_PROCESS /* on the command line of an sshd that our unit did not start */
};
enum sshd_origin sshd_service_command_origin(const struct sshd *sshd,
					     const struct sshd_running *running);

#endif
