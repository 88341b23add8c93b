/* SPDX-License-Identifier: Apache-2.0 */
/* Put together the command line of ssh or scp, word by word. */
#ifndef EXC_CLI_SSH_SSH_COMMAND_H
#define EXC_CLI_SSH_SSH_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

/* Words of a command line, including those that the user adds */
#define SSH_COMMAND_WORDS_MAX 512

struct ssh_command {
	char *words[SSH_COMMAND_WORDS_MAX + 1]; /* owned; NULL after the last */
	size_t count;
	bool incomplete; /* a word did not fit, or there was no memory */
};

/* Settings for every ssh and scp of ours; text that is NULL leaves its option out. */
struct ssh_settings {
	const char *key_path;
	const char *known_hosts_path; /* NULL: no key is known, and ssh asks */
	const char *alias; /* the VM's name in known_hosts, and the host on the command line */
	const char *host; /* NULL with a proxy */
	const char *port; /* the same */
	const char *proxy_command;
};

/* Add one word, as printf(3) makes it. */
void ssh_command_add(struct ssh_command *command, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Add the words of a list that NULL ends. */
void ssh_command_add_all(struct ssh_command *command, char *const *words);

/* Begin with the program's name and all settings: no configuration file, no other key, no agent, no
 * other authentication than this key, no unknown host, no shared connection. What the user adds
 * comes later, and ssh uses what comes first. */
void ssh_command_begin(struct ssh_command *command, const char *program,
		       const struct ssh_settings *settings);

/* Print it quoted for a shell, with a line break. */
void ssh_command_print(const struct ssh_command *command);

/* A word in single quotes for a shell, and for ssh_config's tokens with every % doubled. The caller
 * frees; NULL without memory. */
char *ssh_command_quote(const char *word);

void ssh_command_free(struct ssh_command *command);
#define _cleanup_ssh_command_ _cleanup_(ssh_command_free)

#endif
