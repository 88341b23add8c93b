/* SPDX-License-Identifier: Apache-2.0 */
/* Ask the machine's sshd what its configuration means. */
#ifndef EXC_AGENT_WIRING_SSHD_CONFIG_H
#define EXC_AGENT_WIRING_SSHD_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "agent/wiring/systemd_unit.h"

#define SSHD_PROGRAM "/usr/sbin/sshd"
#define SSHD_CONFIG "/etc/ssh/sshd_config"
#define SSHD_DROP_IN_DIR "/etc/ssh/sshd_config.d"
/* Bytes of sshd -T, and of one of its values */
#define SSHD_OUTPUT_SIZE (64 * 1024)
#define SSHD_VALUE_SIZE 1024
#define SSHD_USER_SIZE 33
/* Seconds that sshd -t or sshd -T may take */
#define SSHD_SECONDS 10
/* Accounts that are checked for a Match block of their own */
#define SSHD_ACCOUNTS_MAX 64

/* Debian's sshd needs this empty directory; its unit makes it, so an image has none */
#define SSHD_RUN_DIR "/run/sshd"

/* How this machine starts its sshd: options on the command line win over every file. */
struct sshd {
	const char *unit; /* "ssh.service" or "sshd.service"; NULL: neither is there */
	struct unit_command command;
	const char *config; /* a file to read instead; NULL: the one that sshd reads */
	bool asks_agent; /* with our two settings ahead of all others */
};

/* What sshd -T prints: the configuration as sshd understands it. */
struct sshd_effective {
	char text[SSHD_OUTPUT_SIZE];
	bool has_host_keys; /* if not, sshd cannot start before some are made */
};

/* Find the unit. Without one, sshd is asked without options. */
void sshd_find(struct sshd *sshd);

/* The same, with the unit as it would be without our drop-in. */
void sshd_find_without_ours(struct sshd *sshd);

/* The file that sshd reads: sshd_config, unless its options name another. */
const char *sshd_config_path(const struct sshd *sshd);

/* Is the configuration valid (sshd -t)? Host keys that do not exist yet do not matter. If not,
 * `why` (of `size` bytes) gets sshd's first line. */
bool sshd_test(const struct sshd *sshd, char *why, size_t size);

/* Ask for the configuration outside Match blocks; or, with a `user`, for that of this user from
 * this machine. False, with `why`, if sshd fails. */
bool sshd_ask(const struct sshd *sshd, const char *user, struct sshd_effective *effective,
	      char *why, size_t size);

/* The first value of a keyword, which is in lower case; "" if there is none. */
void sshd_value(const struct sshd_effective *effective, const char *keyword,
		char value[SSHD_VALUE_SIZE]);

/* The value of its line number `n`, from 0; false if there are not that many. */
bool sshd_nth_value(const struct sshd_effective *effective, const char *keyword, unsigned int n,
		    char value[SSHD_VALUE_SIZE]);

/* Is this value of authorizedkeyscommand the agent? Is it no command at all? */
bool sshd_command_is_ours(const char *command);
bool sshd_command_is_none(const char *command);

/* Call `visit` for every account of /etc/passwd with a shell that logs in, up to SSHD_ACCOUNTS_MAX,
 * until it returns true. Was that so for one? */
bool sshd_any_account(bool (*visit)(const char *user, void *context), void *context);

/* Does it open tun devices, outside Match blocks (`effective`) or for root, who alone can have
 * them? It then opens them also for a key that may not forward ports: "restrict" does not forbid
 * that before OpenSSH 10.5. */
bool sshd_permits_tunnels(const struct sshd *sshd, const struct sshd_effective *effective);

/* Does this shell let its user do anything, unlike nologin? */
bool sshd_shell_logs_in(const char *shell);

/* Another AuthorizedKeysCommand that a Match block sets for some users. */
struct sshd_other {
	char user[SSHD_USER_SIZE]; /* the first one found */
	char command[SSHD_VALUE_SIZE];
	char command_user[SSHD_VALUE_SIZE];
};

/* Look for one, by sshd_any_account(). `global` is what sshd runs outside Match blocks. */
bool sshd_find_other(const struct sshd *sshd, const char *global, struct sshd_other *other);

/* Does sshd_config include the drop-in directory, outside Match blocks? */
bool sshd_includes_drop_ins(void);

#endif
