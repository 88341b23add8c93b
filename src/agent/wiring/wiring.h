/* SPDX-License-Identifier: Apache-2.0 */
/* The files that wire sshd to the agent and the module: write them, back them up, remove them. */
#ifndef EXC_AGENT_WIRING_WIRING_H
#define EXC_AGENT_WIRING_WIRING_H

#include <stdbool.h>
#include <stddef.h>

#include "base/file.h"

/* sshd uses the first value that it reads, and reads these in the order of their names: the second
 * wins over another AuthorizedKeysCommand, which then runs after ours. */
#define WIRING_DROP_IN "/etc/ssh/sshd_config.d/60-exc-instance-connect.conf"
#define WIRING_DROP_IN_FIRST "/etc/ssh/sshd_config.d/00-exc-instance-connect.conf"
/* systemd uses the last ExecStart= that it reads. */
#define WIRING_UNIT_DROP_IN "zz-exc-instance-connect.conf"
#define WIRING_COMMAND "/usr/bin/exc-instance-connect authorized-keys %u %f %t %k"
#define WIRING_COMMAND_USER "exc-instance-connect"

/* Where the two settings of sshd go */
enum wiring_place {
	WIRING_NOWHERE,
	WIRING_IN_DROP_IN,
	WIRING_IN_DROP_IN_FIRST,
	WIRING_IN_UNITS /* a drop-in for each unit that starts an sshd, with -o options */
};

struct wiring_plan {
	enum wiring_place place;
	const char *module; /* where PAM finds it: PAM gets our line; NULL: no line, and no proof of
			       it */
	const char *next_command; /* to be set in agent.conf; NULL: leave it as it is */
	const char *provider; /* the same */
	/* The administrator's AuthorizedPrincipalsCommand, to be copied ahead of our settings;
	 * NULL: none. Some versions of sshd ignore one that they read after an
	 * AuthorizedKeysCommand (OpenSSH bug 3574). */
	const char *principals_command, *principals_user;
};

/* Which parts of the wiring exist. */
struct wiring_state {
	enum wiring_place place; /* where our settings are, as we write them */
	bool pam; /* the module is in one of PAM's files */
	bool pam_wired; /* there is a proof that PAM's services run the module */
};

void wiring_look(struct wiring_state *state);

/* The drop-in of ours for this unit; NULL: we have none for it. A string constant. */
const char *wiring_unit_drop_in(const char *unit);

/* Where our settings are, for messages; a string constant. */
const char *wiring_place_name(enum wiring_place place);

/* Back up all files that wiring_write() and wiring_remove() may change, for file_backup_restore().
 * False, with `why`, if one cannot be read. */
bool wiring_save(struct file_backup *backup, char *why, size_t size);

/* Write what is missing, and remove our settings from places other than the plan's. *units_changed:
 * systemd must reload its units, and sshd must be restarted. False, with `why`. */
bool wiring_write(const struct wiring_plan *plan, bool *units_changed, char *why, size_t size);

/* Remove what is ours, and nothing else; what is in agent.conf stays until sshd no longer asks the
 * agent. False, with `why`. */
bool wiring_remove(bool *units_changed, char *why, size_t size);

/* Is the next_command in agent.conf one that wiring_write() set? */
bool wiring_has_next_command(void);

/* Remove the next_command and the provider that wiring_write() set, not an administrator's. */
bool wiring_remove_settings(char *why, size_t size);

#endif
