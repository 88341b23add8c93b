/* SPDX-License-Identifier: Apache-2.0 */
/* next_command: the AuthorizedKeysCommand that was there before us, run after us. */
#include "agent/answer/next_command.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/root_only.h"
#include "base/run_program.h"

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

/* Whether the keys that it printed count, by how it ended. */
static enum next_command_result judge(int status, bool cut, unsigned int timeout_ms, char *why,
				      size_t size)
{
	if (status == RUN_TOO_LONG) {
		snprintf(why, size, "it took longer than %u ms and was killed", timeout_ms);
		return NEXT_COMMAND_TOO_LONG;
	}
	if (status == 0 && !cut)
		return NEXT_COMMAND_OK;
	if (status == RUN_FAILED)
		snprintf(why, size, "it cannot be started: %s", strerror(errno));
	else if (cut)
		snprintf(why, size, "it printed more than %d bytes", NEXT_COMMAND_OUTPUT_MAX);
	else
		snprintf(why, size, "it exited with status %d", status);
	return NEXT_COMMAND_FAILED;
}

enum next_command_result next_command_run(const char *command, const struct login_attempt *attempt,
					  unsigned int timeout_ms, char **keys, size_t *length,
					  char *why, size_t size)
{
	struct run_output output = { .size = NEXT_COMMAND_OUTPUT_MAX + 1 };
	enum next_command_result result;
	char place[ROOT_ONLY_PATH_SIZE];
	struct words words;
	int status;

	*keys = NULL;
	*length = 0;
	if (!next_command_expand(command, attempt, &words, why, size))
		return NEXT_COMMAND_FAILED;
	if (!root_only(words.at[0], place)) {
		snprintf(why, size, "%s: %s", place,
			 errno != 0 ? strerror(errno) : "users other than root may change it");
		return NEXT_COMMAND_FAILED;
	}
	output.text = malloc(output.size);
	if (output.text == NULL) {
		snprintf(why, size, "not enough memory");
		return NEXT_COMMAND_FAILED;
	}
	status =
		run_for_output((const char *const *)words.at, &output, RUN_ERRORS_KEPT, timeout_ms);
	result = judge(status, output.cut, timeout_ms, why, size);
	if (result != NEXT_COMMAND_OK) {
		free(output.text);
		return result;
	}
	*keys = output.text;
	*length = output.length;
	return NEXT_COMMAND_OK;
}
