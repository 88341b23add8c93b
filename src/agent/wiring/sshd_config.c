/* SPDX-License-Identifier: Apache-2.0 */
/* Ask the machine's sshd what its configuration means. */
#include "agent/wiring/sshd_config.h"

#include <ctype.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/run_program.h"
#include "base/cleanup.h"
#include "agent/wiring/wiring.h"

#define CONFIG_LINE_SIZE 1024
/* Lines of sshd_config that are read */
#define CONFIG_LINES_MAX 100000
/* What a local connection looks like to a Match block */
#define CONNECTION_SIZE 128
/* All that a Match block may ask for (sshd_config(5)): where one of them is missing, sshd calls a
 * file broken that is not. Before OpenSSH 8.1 that goes for any Match block. */
#define CONNECTION "user=%s,host=localhost,addr=127.0.0.1,laddr=127.0.0.1,lport=22"
/* A connection that no block means, for what stands before them all: an address that nobody has
 * (RFC 5737), and a port at which no sshd listens. */
#define NO_CONNECTION "user=,host=nowhere.invalid,addr=192.0.2.1,laddr=192.0.2.2,lport=1"
#define COMMAND_KEYWORD "authorizedkeyscommand"
/* How often sshd is asked again if the directory that it needs was gone */
#define RUN_DIR_TRIES 3
#define PASSWD_FILE "/etc/passwd"
#define SSH_KEYGEN "/usr/bin/ssh-keygen"
/* Words that run_with() adds to sshd's own: the program, its mode, and five options of two words */
#define ADDED_WORDS 12
#define NO_HOST_KEYS "no hostkeys available"

static void find(struct sshd *sshd, bool without_ours)
{
	static const char *const units[] = { "ssh.service", "sshd.service" };

	sshd->unit = NULL;
	sshd->config = NULL;
	sshd->asks_agent = false;
	for (size_t i = 0; i < sizeof units / sizeof units[0] && sshd->unit == NULL; i++)
		if (unit_read(units[i], without_ours ? wiring_unit_drop_in(units[i]) : NULL,
			      &sshd->command))
			sshd->unit = units[i];
	if (sshd->unit == NULL)
		sshd->command.words.count = 0;
}

void sshd_find(struct sshd *sshd)
{
	find(sshd, false);
}

void sshd_find_without_ours(struct sshd *sshd)
{
	find(sshd, true);
}

const char *sshd_config_path(const struct sshd *sshd)
{
	for (unsigned int i = 1; i < sshd->command.words.count; i++) {
		const char *word = sshd->command.words.at[i];

		if (strncmp(word, "-f", 2) != 0)
			continue;
		if (word[2] != '\0')
			return word + 2;
		if (i + 1 < sshd->command.words.count)
			return sshd->command.words.at[i + 1];
	}
	return SSHD_CONFIG;
}

/* sshd reads no configuration without this directory, which it makes only at start. */
static void make_run_dir(void)
{
	if (mkdir(SSHD_RUN_DIR, 0755) == 0)
		chmod(SSHD_RUN_DIR, 0755); /* whatever the umask */
}

/* Run sshd with `mode`, the options that it is started with, and `connection` and `host_key` unless
 * they are NULL. */
static int run_with(const struct sshd *sshd, const char *mode, const char *connection,
		    const char *host_key, char *output, size_t size)
{
	const char *argv[WORDS_MAX + ADDED_WORDS + 1] = { SSHD_PROGRAM, mode };
	unsigned int count = 2;
	int status = RUN_FAILED;

	if (host_key != NULL) {
		argv[count++] = "-h";
		argv[count++] = host_key;
	}
	if (connection != NULL) {
		argv[count++] = "-C";
		argv[count++] = connection;
	}
	if (sshd->asks_agent) {
		argv[count++] = "-o";
		argv[count++] = "AuthorizedKeysCommand " WIRING_COMMAND;
		argv[count++] = "-o";
		argv[count++] = "AuthorizedKeysCommandUser " WIRING_COMMAND_USER;
	}
	for (unsigned int i = 1; i < sshd->command.words.count; i++)
		argv[count++] = sshd->command.words.at[i];
	/* Of several, sshd takes the last. */
	if (sshd->config != NULL) {
		argv[count++] = "-f";
		argv[count++] = sshd->config;
	}
	argv[count] = NULL;
	/* In an image that is being built, sshd has never run. With socket activation, the
	 * directory disappears after each connection, at any moment. */
	for (int i = 0; i < RUN_DIR_TRIES; i++) {
		make_run_dir();
		status = run_program(argv, output, size, SSHD_SECONDS);
		if (status <= 0 || strstr(output, SSHD_RUN_DIR) == NULL)
			break;
	}
	return status;
}

/* Run it with a temporary host key. */
static int run_with_new_key(const struct sshd *sshd, const char *mode, const char *connection,
			    char *output, size_t size)
{
	char directory[] = "/tmp/exc-instance-connect-XXXXXX";
	char key[sizeof directory + 8], public_key[sizeof directory + 8];
	/* ECDSA is allowed in FIPS mode as well. */
	const char *const make[] = { SSH_KEYGEN, "-q", "-t", "ecdsa", "-N", "", "-f", key, NULL };
	int status;

	if (mkdtemp(directory) == NULL)
		return RUN_FAILED;
	snprintf(key, sizeof key, "%s/key", directory);
	snprintf(public_key, sizeof public_key, "%s/key.pub", directory);
	status = run_program(make, output, size, SSHD_SECONDS);
	if (status == 0)
		status = run_with(sshd, mode, connection, key, output, size);
	unlink(key);
	unlink(public_key);
	rmdir(directory);
	return status;
}

/* Without host keys sshd does not even read its configuration, and an image that is being built has
 * none: every machine makes its own at boot. */
static int run_sshd(const struct sshd *sshd, const char *mode, const char *connection, char *output,
		    size_t size, bool *has_host_keys)
{
	int status = run_with(sshd, mode, connection, NULL, output, size);

	*has_host_keys = status == 0 || strstr(output, NO_HOST_KEYS) == NULL;
	return *has_host_keys ? status : run_with_new_key(sshd, mode, connection, output, size);
}

/* Keep the first line of a program's output. */
static void first_line(char *text)
{
	text[strcspn(text, "\r\n")] = '\0';
}

bool sshd_test(const struct sshd *sshd, char *why, size_t size)
{
	bool has_host_keys;
	int status = run_sshd(sshd, "-t", NULL, why, size, &has_host_keys);

	first_line(why);
	if (status != 0 && why[0] == '\0')
		snprintf(why, size, SSHD_PROGRAM " -t exited with status %d", status);
	return status == 0;
}

bool sshd_ask(const struct sshd *sshd, const char *user, struct sshd_effective *effective,
	      char *why, size_t size)
{
	char connection[CONNECTION_SIZE] = NO_CONNECTION;
	int status;

	if (user != NULL)
		snprintf(connection, sizeof connection, CONNECTION, user);
	status = run_sshd(sshd, "-T", connection, effective->text, sizeof effective->text,
			  &effective->has_host_keys);
	if (status == 0)
		return true;
	snprintf(why, size, "%.*s", (int)strcspn(effective->text, "\r\n"), effective->text);
	if (why[0] == '\0')
		snprintf(why, size, SSHD_PROGRAM " -T exited with status %d", status);
	return false;
}

bool sshd_nth_value(const struct sshd_effective *effective, const char *keyword, unsigned int n,
		    char value[SSHD_VALUE_SIZE])
{
	const char *line = effective->text;
	size_t length = strlen(keyword);

	value[0] = '\0';
	/* Bounded by SSHD_OUTPUT_SIZE */
	while (line != NULL) {
		line += *line == '\n';
		if (strncasecmp(line, keyword, length) == 0 && line[length] == ' ' && n-- == 0) {
			line += length + 1;
			snprintf(value, SSHD_VALUE_SIZE, "%.*s", (int)strcspn(line, "\n"), line);
			return true;
		}
		line = strchr(line, '\n');
	}
	return false;
}

void sshd_value(const struct sshd_effective *effective, const char *keyword,
		char value[SSHD_VALUE_SIZE])
{
	sshd_nth_value(effective, keyword, 0, value);
}

bool sshd_command_is_ours(const char *command)
{
	static const char program[] = "/exc-instance-connect ";
	const char *end = strchr(command, ' ');
	const char *found = strstr(command, program);

	return end != NULL && found != NULL && found + strlen(program) - 1 == end;
}

bool sshd_command_is_none(const char *command)
{
	return command[0] == '\0' || strcmp(command, "none") == 0;
}

static bool has_tunnels(const struct sshd_effective *effective)
{
	char value[SSHD_VALUE_SIZE];

	sshd_value(effective, "permittunnel", value);
	return value[0] != '\0' && strcmp(value, "no") != 0;
}

bool sshd_permits_tunnels(const struct sshd *sshd, const struct sshd_effective *effective)
{
	struct sshd_effective root;
	char why[128];

	return has_tunnels(effective) ||
	       (sshd_ask(sshd, "root", &root, why, sizeof why) && has_tunnels(&root));
}

bool sshd_shell_logs_in(const char *shell)
{
	const char *name = strrchr(shell, '/');

	name = name == NULL ? shell : name + 1;
	return strcmp(name, "nologin") != 0 && strcmp(name, "false") != 0 &&
	       strcmp(name, "sync") != 0;
}

bool sshd_any_account(bool (*visit)(const char *user, void *context), void *context)
{
	FILE *file = fopen(PASSWD_FILE, "re");
	const struct passwd *account;
	unsigned int visited = 0;
	bool found = false;

	/* A directory service may have thousands of accounts, and list them slowly. */
	while (file != NULL && !found && visited < SSHD_ACCOUNTS_MAX &&
	       (account = fgetpwent(file)) != NULL) {
		if (!sshd_shell_logs_in(account->pw_shell) ||
		    strlen(account->pw_name) >= SSHD_USER_SIZE)
			continue;
		visited++;
		found = visit(account->pw_name, context);
	}
	if (file != NULL)
		fclose(file);
	return found;
}

struct other_search {
	const struct sshd *sshd;
	const char *global;
	struct sshd_other *other;
};

/* Does a Match block give this user a different command? */
static bool has_other(const char *user, void *context)
{
	const struct other_search *search = context;
	struct sshd_other *other = search->other;
	struct sshd_effective effective;
	char why[128];

	if (!sshd_ask(search->sshd, user, &effective, why, sizeof why))
		return false;
	sshd_value(&effective, COMMAND_KEYWORD, other->command);
	sshd_value(&effective, COMMAND_KEYWORD "user", other->command_user);
	snprintf(other->user, sizeof other->user, "%s", user);
	return strcmp(other->command, search->global) != 0 &&
	       !sshd_command_is_none(other->command) && !sshd_command_is_ours(other->command);
}

bool sshd_find_other(const struct sshd *sshd, const char *global, struct sshd_other *other)
{
	struct other_search search = { sshd, global, other };

	return sshd_any_account(has_other, &search);
}

/* Is this line an Include of the drop-in directory? */
static bool is_include(const char *line)
{
	static const char keyword[] = "include";

	line += strspn(line, " \t");
	if (strncasecmp(line, keyword, strlen(keyword)) != 0)
		return false;
	line += strlen(keyword);
	return (*line == ' ' || *line == '\t' || *line == '=') &&
	       strstr(line, SSHD_DROP_IN_DIR "/*.conf") != NULL;
}

bool sshd_includes_drop_ins(void)
{
	char line[CONFIG_LINE_SIZE];
	bool found = false, matching = false;
	FILE *file = fopen(SSHD_CONFIG, "re");

	if (file == NULL)
		return false;
	for (int i = 0; i < CONFIG_LINES_MAX && !found && fgets(line, sizeof line, file); i++) {
		const char *start = line + strspn(line, " \t");

		/* What a Match block includes does not apply to everybody. */
		matching |= strncasecmp(start, "match", 5) == 0 && isspace((unsigned char)start[5]);
		found = !matching && is_include(line);
	}
	fclose(file);
	return found;
}
