/* SPDX-License-Identifier: Apache-2.0 */
/* Ask the machine's sshd what it does, have it read its configuration again, and see that it
 * answers. */
#ifndef EXC_SSHD_H
#define EXC_SSHD_H

#include <stdbool.h>
#include <stddef.h>

#define SSHD_PROGRAM "/usr/sbin/sshd"
#define SSHD_CONFIG "/etc/ssh/sshd_config"
#define SSHD_DROP_IN_DIR "/etc/ssh/sshd_config.d"
/* Bytes of sshd -T, and of one of its values */
#define SSHD_OUTPUT_SIZE (64 * 1024)
#define SSHD_VALUE_SIZE 1024
/* Seconds that sshd -t, sshd -T or a reload may take, and that a reloaded sshd may take to answer
 */
#define SSHD_SECONDS 10

/* Where Debian's sshd wants an empty folder; its unit makes it, so that in an image there is none
 */
#define SSHD_RUN_DIR "/run/sshd"

/* What sshd -T prints: the configuration as sshd understands it. */
struct sshd_effective {
	char text[SSHD_OUTPUT_SIZE];
};

/* Is the configuration valid (sshd -t)? If not, `why` (of `size` bytes) gets sshd's first line. */
bool sshd_test(char *why, size_t size);

/* Ask for the configuration that holds outside Match blocks. False, with `why`, when sshd cannot
 * say. */
bool sshd_ask(struct sshd_effective *effective, char *why, size_t size);

/* The first value of a keyword, which is in lower case; "" when there is none. */
void sshd_value(const struct sshd_effective *effective, const char *keyword,
		char value[SSHD_VALUE_SIZE]);

/* Does sshd answer on the first address that it should listen on? One try. */
bool sshd_answers(const struct sshd_effective *effective);

/* Does sshd answer again after a reload, and go on answering for a second? Waits up to
 * SSHD_SECONDS. A first answer says nothing: the process that is about to go can have given it. */
bool sshd_stays(const struct sshd_effective *effective);

/* Have a running sshd read its configuration again: through systemd where it manages it, otherwise
 * by SIGHUP to the process in its PidFile. False, with `why`, when that fails; an sshd that does
 * not run, or is started for each connection, needs nothing. */
bool sshd_reload(const struct sshd_effective *effective, char *why, size_t size);

/* Is this value of authorizedkeyscommand the agent? */
bool sshd_command_is_ours(const char *command);

/* Does sshd_config include the drop-in folder? */
bool sshd_includes_drop_ins(void);

#endif
