/* SPDX-License-Identifier: Apache-2.0 */
/* next_command: the AuthorizedKeysCommand that was there before us, run beside us. */
#include "agent/answer/next_command.h"

#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/root_only.h"

/* The value of one token; NULL when it has none. `number` has room for a user id. */
static const char *token_value(char token, const struct login_attempt *attempt, char number[16])
{
	const struct passwd *account;

	switch (token) {
	case '%':
		return "%";
	case 'f':
		return attempt->passed_fingerprint;
	case 'k':
		return attempt->key;
	case 't':
		return attempt->key_type;
	case 'u':
		return attempt->user;
	case 'h':
		account = getpwnam(attempt->user);
		return account == NULL ? NULL : account->pw_dir;
	case 'U':
		account = getpwnam(attempt->user);
		if (account == NULL)
			return NULL;
		snprintf(number, 16, "%u", (unsigned int)account->pw_uid);
		return number;
	default:
		return NULL;
	}
}

/* Append `length` bytes to the words' text. False when they do not fit. */
static bool append(struct words *words, size_t *used, const char *text, size_t length)
{
	if (length >= sizeof words->bytes - *used)
		return false;
	memcpy(words->bytes + *used, text, length);
	*used += length;
	words->bytes[*used] = '\0';
	return true;
}

static bool expand_word(const char *word, const struct login_attempt *attempt, struct words *words,
			size_t *used, char *why, size_t size)
{
	char number[16];

	words->at[words->count++] = words->bytes + *used;
	snprintf(why, size, "its arguments are too long");
	/* Bounded by WORDS_BYTES_MAX */
	for (;;) {
		size_t plain = strcspn(word, "%");
		const char *value;

		if (!append(words, used, word, plain))
			return false;
		word += plain;
		if (*word == '\0')
			break;
		value = token_value(word[1], attempt, number);
		if (value == NULL) {
			snprintf(why, size, "its %%%c has no value here", word[1]);
			return false;
		}
		if (!append(words, used, value, strlen(value)))
			return false;
		word += 2;
	}
	++*used; /* the NUL that append() has written */
	return true;
}

bool next_command_expand(const char *command, const struct login_attempt *attempt,
			 struct words *words, char *why, size_t size)
{
	char user[] = "%u";
	struct words raw;
	size_t used = 0;

	words->count = 0;
	if (!words_split(&raw, command) || raw.count == 0 || raw.count + 1 > WORDS_MAX) {
		snprintf(why, size, "it cannot be split into words");
		return false;
	}
	if (raw.count == 1)
		raw.at[raw.count++] = user;
	for (unsigned int i = 0; i < raw.count; i++)
		if (!expand_word(raw.at[i], attempt, words, &used, why, size))
			return false;
	words->at[words->count] = NULL;
	return true;
}

/* What SIGTERM ends with us: sshd sends it to its group when LoginGraceTime is over. */
static volatile sig_atomic_t group;

static void end_group(int signal_number)
{
	if (group > 0)
		kill(-group, signal_number);
	_exit(128 + signal_number);
}

/* False, with next->why, if it cannot be started. */
static bool start(const char *command, const struct login_attempt *attempt,
		  struct next_command *next)
{
	char place[ROOT_ONLY_PATH_SIZE];
	struct words words;

	if (!next_command_expand(command, attempt, &words, next->why, sizeof next->why))
		return false;
	if (!root_only(words.at[0], place)) {
		snprintf(next->why, sizeof next->why, "%.100s: %s", place,
			 errno != 0 ? strerror(errno) : "users other than root may change it");
		return false;
	}
	next->output.size = NEXT_COMMAND_OUTPUT_MAX + 1;
	next->output.text = malloc(next->output.size);
	if (next->output.text == NULL) {
		snprintf(next->why, sizeof next->why, "not enough memory");
		return false;
	}
	if (run_start((const char *const *)words.at, &next->output, RUN_ERRORS_KEPT,
		      &next->running))
		return true;
	snprintf(next->why, sizeof next->why, "it cannot be started: %s", strerror(errno));
	return false;
}

void next_command_start(const char *command, const struct login_attempt *attempt,
			struct next_command *next)
{
	memset(next, 0, sizeof *next);
	signal(SIGTERM, end_group);
	next->is_running = start(command, attempt, next);
	if (next->is_running)
		group = next->running.pid;
}

/* Do the keys that it printed count, by how it ended? */
static enum next_command_state judge(struct next_command *next)
{
	const int status = run_exit_status(next->status);

	if (status == 0 && !next->output.cut)
		return NEXT_COMMAND_KEYS;
	if (next->output.cut)
		snprintf(next->why, sizeof next->why, "it printed more than %d bytes",
			 NEXT_COMMAND_OUTPUT_MAX);
	else
		snprintf(next->why, sizeof next->why, "it exited with status %d", status);
	return NEXT_COMMAND_FAILED;
}

enum next_command_state next_command_wait(struct next_command *next, int64_t deadline)
{
	if (!next->is_running)
		return NEXT_COMMAND_FAILED;
	switch (run_wait(&next->running, &next->output, deadline, STDOUT_FILENO, &next->status)) {
	case RUN_LATE:
		return NEXT_COMMAND_LATE;
	case RUN_UNREAD:
		return NEXT_COMMAND_UNREAD;
	case RUN_ENDED:
		break;
	}
	next->is_running = false;
	group = 0;
	return judge(next);
}

const char *next_command_keys(const struct next_command *next, size_t *length)
{
	*length = next->output.length;
	return next->output.text;
}

/* Does this line, which ends at `end`, have the key as a word? sshd skips comments. */
static bool line_names(const char *line, const char *end, const char *key, size_t length)
{
	if (line[strspn(line, " \t")] == '#')
		return false;
	for (const char *at = line; (at = strstr(at, key)) != NULL && at < end; at += length)
		if ((at == line || strchr(" \t", at[-1]) != NULL) &&
		    (at + length == end || strchr(" \t\r", at[length]) != NULL))
			return true;
	return false;
}

bool next_command_names(const struct next_command *next, const char *key)
{
	const size_t length = key == NULL ? 0 : strlen(key);

	for (const char *line = next->output.text; length > 0 && *line != '\0';) {
		const char *end = line + strcspn(line, "\n");

		if (line_names(line, end, key, length))
			return true;
		line = *end == '\0' ? end : end + 1;
	}
	return false;
}

void next_command_free(struct next_command *next)
{
	if (next->is_running)
		run_kill(&next->running);
	next->is_running = false;
	group = 0;
	free(next->output.text);
	next->output.text = NULL;
}
