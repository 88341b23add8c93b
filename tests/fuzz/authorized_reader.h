/* SPDX-License-Identifier: Apache-2.0 */
/* Read a line of authorized_keys as sshd does (sshd(8), and OpenSSH's sshkey_advance_past_options()
 * and sshauthopt_parse()), for what a grant's line may have. */
#ifndef EXC_TEST_AUTHORIZED_READER_H
#define EXC_TEST_AUTHORIZED_READER_H

#include <stdbool.h>

#include "grant/authorized_line.h"

struct authorized_line {
	bool has_from, has_command;
	char from[AUTHORIZED_LINE_SIZE], command[AUTHORIZED_LINE_SIZE];
	bool is_restricted, pty, port_forwarding, agent_forwarding, x11_forwarding;
	char key[SSH_KEY_TEXT_SIZE];
};

/* Read one line, which ends with a line feed. False when sshd would not take it, or has an option
 * that is not one of these. */
bool authorized_read(const char *text, struct authorized_line *line);

#endif
