/* SPDX-License-Identifier: Apache-2.0 */
/* The files that wire sshd to the agent and the module: write them, remember them, put them back.
 */
#ifndef EXC_WIRING_H
#define EXC_WIRING_H

#include <stdbool.h>
#include <stddef.h>

#define WIRING_DROP_IN "/etc/ssh/sshd_config.d/60-exc-instance-connect.conf"
#define WIRING_PAM_FILE "/etc/pam.d/sshd"
/* Where Debian's pam-auth-update(8) puts lines for all services */
#define WIRING_PAM_COMMON_FILE "/etc/pam.d/common-session"
/* Debian's profile of the module, which our package installs there, and the program that reads it
 */
#define WIRING_PAM_PROFILE "exc-instance-connect"
#define WIRING_PAM_PROFILE_FILE "/usr/share/pam-configs/" WIRING_PAM_PROFILE
#define WIRING_PAM_AUTH_UPDATE "/usr/sbin/pam-auth-update"
/* Seconds that it may take */
#define WIRING_PAM_SECONDS 60
#define WIRING_COMMAND "/usr/bin/exc-instance-connect authorized-keys %u %f %t %k"
#define WIRING_COMMAND_USER "exc-instance-connect"
/* Files that are changed: the drop-in, PAM's two and pam.wired */
#define WIRING_FILES 4
#define WIRING_FILE_BYTES_MAX (256 * 1024)

/* The files as they were, to be put back. */
struct wiring_backup {
	struct {
		const char *path;
		bool existed;
		char *text;
		size_t length;
	} files[WIRING_FILES];
};

/* What of the wiring is there. */
struct wiring_state {
	bool drop_in; /* our file is there, as we write it */
	bool pam; /* the module is in one of PAM's files */
	bool pam_wired; /* the agent is told to rely on the module */
};

void wiring_look(struct wiring_state *state);

/* Remember all files. False, with `why`, when one cannot be read. */
bool wiring_save(struct wiring_backup *backup, char *why, size_t size);

/* Put all files back, byte by byte, and remove those that were not there. */
bool wiring_restore(const struct wiring_backup *backup, char *why, size_t size);

void wiring_forget(struct wiring_backup *backup);

/* Write what is not there yet. `with_pam`: PAM's line and pam.wired as well. Each file is replaced
 * whole (rename(2)), with its owner and mode. False, with `why`. */
bool wiring_write(bool with_pam, char *why, size_t size);

/* Remove what is ours, and nothing else. False, with `why`. */
bool wiring_remove(char *why, size_t size);

#endif
