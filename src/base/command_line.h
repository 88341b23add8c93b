/* SPDX-License-Identifier: Apache-2.0 */
/* Split a command line into words, with the quotes that sshd and systemd understand. */
#ifndef EXC_BASE_COMMAND_LINE_H
#define EXC_BASE_COMMAND_LINE_H

#include <stdbool.h>

/* Words of one line, and all their bytes with a NUL after each: a key may be one of them */
#define WORDS_MAX 64
#define WORDS_BYTES_MAX (32 * 1024)

/* Words stand one after the other in `bytes`; at[count] is NULL, as execve(2) wants it. */
struct words {
	unsigned int count;
	char *at[WORDS_MAX + 1];
	char bytes[WORDS_BYTES_MAX];
};

/* Split at spaces and tabs. Single and double quotes keep these in a word; outside single quotes a
 * backslash escapes a quote, a backslash or a space and is literal otherwise (sshd_config(5) since
 * OpenSSH 8.7; the part of systemd.service(5), "Command lines", that both share). False when a
 * quote is not closed, or there are too many words or bytes. */
bool words_split(struct words *words, const char *line);

#endif
