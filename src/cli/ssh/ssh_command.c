/* SPDX-License-Identifier: Apache-2.0 */
/* Put together the command line of ssh or scp, word by word. */
#include "cli/ssh/ssh_command.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Seconds for the connection and the first exchange over it */
#define CONNECT_TIMEOUT "30"
/* Characters that a shell takes literally */
#define PLAIN "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=+./:,@%"

static void add_word(struct ssh_command *command, char *word)
{
	if (word == NULL || command->count == SSH_COMMAND_WORDS_MAX) {
		free(word);
		command->incomplete = true;
		return;
	}
	command->words[command->count++] = word;
}

void ssh_command_add(struct ssh_command *command, const char *format, ...)
{
	va_list arguments;
	char *word;

	va_start(arguments, format);
	if (vasprintf(&word, format, arguments) < 0)
		word = NULL;
	va_end(arguments);
	add_word(command, word);
}

void ssh_command_add_all(struct ssh_command *command, char *const *words)
{
	for (; *words != NULL && !command->incomplete; words++)
		add_word(command, strdup(*words));
}

static void add_setting(struct ssh_command *command, const char *name, const char *value)
{
	if (value == NULL)
		return;
	ssh_command_add(command, "-o");
	ssh_command_add(command, "%s=%s", name, value);
}

void ssh_command_begin(struct ssh_command *command, const char *program,
		       const struct ssh_settings *settings)
{
	const char *known_hosts = settings->known_hosts_path;

	ssh_command_add(command, "%s", program);
	ssh_command_add(command, "-F");
	ssh_command_add(command, "none");
	ssh_command_add(command, "-i");
	ssh_command_add(command, "%s", settings->key_path);
	add_setting(command, "IdentitiesOnly", "yes");
	add_setting(command, "IdentityAgent", "none");
	add_setting(command, "PreferredAuthentications", "publickey");
	/* Without a host key to compare with, ssh asks on the terminal and saves nothing. */
	add_setting(command, "StrictHostKeyChecking", known_hosts == NULL ? "ask" : "yes");
	add_setting(command, "UserKnownHostsFile", known_hosts == NULL ? "/dev/null" : known_hosts);
	add_setting(command, "GlobalKnownHostsFile", "/dev/null");
	add_setting(command, "HostKeyAlias", settings->alias);
	add_setting(command, "CheckHostIP", "no");
	add_setting(command, "UpdateHostKeys", "no");
	add_setting(command, "ControlMaster", "no");
	add_setting(command, "ControlPath", "none");
	add_setting(command, "ConnectTimeout", CONNECT_TIMEOUT);
	add_setting(command, "HostName", settings->host);
	add_setting(command, "Port", settings->port);
	add_setting(command, "ProxyCommand", settings->proxy_command);
}

char *ssh_command_quote(const char *word)
{
	/* A quote becomes '\'', a percent sign two. */
	char *quoted = malloc(4 * strlen(word) + 3), *at = quoted;

	if (quoted == NULL)
		return NULL;
	*at++ = '\'';
	for (; *word != '\0'; word++) {
		if (*word == '\'') {
			memcpy(at, "'\\''", 4);
			at += 4;
			continue;
		}
		if (*word == '%')
			*at++ = '%';
		*at++ = *word;
	}
	*at++ = '\'';
	*at = '\0';
	return quoted;
}

static void print_word(const char *word)
{
	if (word[0] != '\0' && strspn(word, PLAIN) == strlen(word)) {
		fputs(word, stdout);
		return;
	}
	putchar('\'');
	for (; *word != '\0'; word++) {
		if (*word == '\'')
			fputs("'\\''", stdout);
		else
			putchar(*word);
	}
	putchar('\'');
}

void ssh_command_print(const struct ssh_command *command)
{
	for (size_t i = 0; i < command->count; i++) {
		if (i > 0)
			putchar(' ');
		print_word(command->words[i]);
	}
	putchar('\n');
}

void ssh_command_free(struct ssh_command *command)
{
	for (size_t i = 0; i < command->count; i++)
		free(command->words[i]);
	memset(command, 0, sizeof *command);
}
