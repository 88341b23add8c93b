/* SPDX-License-Identifier: Apache-2.0 */
/* What systemd starts a service with, according to its unit's files (systemd.service(5)). */
#include "agent/wiring/systemd_unit.h"

#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/run_program.h"
#include "base/cleanup.h"

#define SYSTEMCTL "/bin/systemctl"
#define SYSTEMD_ANALYZE "/usr/bin/systemd-analyze"
#define SECONDS 10

/* What matters in a unit's files. All point into the text. */
struct unit_settings {
	const char *exec_start;
	const char *
		environment; /* the last Environment=; several are joined by systemd, rarely used */
	const char *files[UNIT_ENVIRONMENT_FILES_MAX];
	unsigned int file_count;
};

/* Take the next line off *text, joining those that end in a backslash. NULL at the end. */
static char *take_line(char **text)
{
	char *line = *text, *at = *text;

	if (*line == '\0')
		return NULL;
	for (; *at != '\0' && *at != '\n'; at++) {
		if (at[0] == '\\' && at[1] == '\n') {
			at[0] = ' ';
			at[1] = ' ';
		}
	}
	*text = *at == '\0' ? at : at + 1;
	*at = '\0';
	return line + strspn(line, " \t");
}

/* The value of a line "NAME=value"; NULL for any other line. */
static char *value_of(char *line, const char *name)
{
	size_t length = strlen(name);

	if (strncmp(line, name, length) != 0)
		return NULL;
	line += length;
	line += strspn(line, " \t");
	if (*line != '=')
		return NULL;
	line++;
	return line + strspn(line, " \t");
}

static void take_setting(struct unit_settings *settings, char *line)
{
	char *value;

	if ((value = value_of(line, "ExecStart")) != NULL) {
		settings->exec_start = value[0] == '\0' ? NULL : value;
	} else if ((value = value_of(line, "Environment")) != NULL) {
		settings->environment = value;
	} else if ((value = value_of(line, "EnvironmentFile")) != NULL) {
		if (value[0] == '\0')
			settings->file_count = 0;
		else if (settings->file_count < UNIT_ENVIRONMENT_FILES_MAX)
			settings->files[settings->file_count++] = value + (value[0] == '-');
	}
}

/* All words of a line, separated by single spaces, as systemd reads a variable's value. False if it
 * cannot be split or does not fit. */
static bool unquote(const char *line, char *out, size_t size)
{
	struct words words;
	size_t used = 0;

	if (!words_split(&words, line))
		return false;
	out[0] = '\0';
	for (unsigned int i = 0; i < words.count; i++) {
		int wrote =
			snprintf(out + used, size - used, "%s%s", i == 0 ? "" : " ", words.at[i]);

		if (wrote < 0 || (size_t)wrote >= size - used)
			return false;
		used += (size_t)wrote;
	}
	return true;
}

static bool find_in_file(const char *path, const char *name, char *value, size_t size)
{
	size_t length;
	_cleanup_free_ char *text = file_read(path, &length);
	char *rest = text, *line;
	bool found = false;

	/* Bounded by FILE_BYTES_MAX; the last assignment counts */
	while (text != NULL && (line = take_line(&rest)) != NULL) {
		const char *assigned = value_of(line, name);

		if (assigned != NULL)
			found = unquote(assigned, value, size);
	}
	return found;
}

/* The value of a variable: files win over Environment=, later files over earlier ones. Empty if it
 * has none. */
static void find_variable(const struct unit_settings *settings, const char *name, char *value,
			  size_t size)
{
	struct words words;

	value[0] = '\0';
	for (unsigned int i = settings->file_count; i > 0; i--)
		if (find_in_file(settings->files[i - 1], name, value, size))
			return;
	if (settings->environment == NULL || !words_split(&words, settings->environment))
		return;
	for (unsigned int i = 0; i < words.count; i++) {
		const char *assigned = value_of(words.at[i], name);

		if (assigned != NULL)
			snprintf(value, size, "%s", assigned);
	}
}

/* The length of "$NAME" or "${NAME}" at the start of `text`, and the name; 0 if it is not one. */
static size_t take_variable(const char *text, char *name, size_t size)
{
	const char *start = text + (text[1] == '{' ? 2 : 1);
	size_t length = 0;

	if (text[0] != '$')
		return 0;
	while (isalnum((unsigned char)start[length]) || start[length] == '_')
		length++;
	if (length == 0 || length >= size || (text[1] == '{' && start[length] != '}'))
		return 0;
	snprintf(name, size, "%.*s", (int)length, start);
	return (size_t)(start - text) + length + (text[1] == '{');
}

static bool add_word(struct words *words, size_t *used, const char *word)
{
	size_t length = strlen(word) + 1;

	if (words->count == WORDS_MAX || length > sizeof words->bytes - *used)
		return false;
	words->at[words->count] = memcpy(words->bytes + *used, word, length);
	words->at[++words->count] = NULL;
	*used += length;
	return true;
}

/* Expand the ${NAME}s of one word, and make %% a percent sign. False if it does not fit. */
static bool fill_in(const struct unit_settings *settings, const char *word, char *out, size_t size)
{
	char name[128], value[UNIT_COMMAND_SIZE];
	size_t used = 0;

	while (*word != '\0') {
		size_t length = take_variable(word, name, sizeof name);

		if (length > 0 && word[1] == '{') {
			find_variable(settings, name, value, sizeof value);
		} else {
			snprintf(value, sizeof value, "%c", *word);
			length = strncmp(word, "%%", 2) == 0 || strncmp(word, "$$", 2) == 0 ? 2 : 1;
		}
		if (strlen(value) >= size - used)
			return false;
		used += (size_t)snprintf(out + used, size - used, "%s", value);
		word += length;
	}
	out[used] = '\0';
	return true;
}

static bool expand(const struct unit_settings *settings, struct words *out)
{
	char name[128], value[UNIT_COMMAND_SIZE];
	struct words raw, several;
	size_t used = 0;

	out->count = 0;
	if (!words_split(&raw, settings->exec_start))
		return false;
	for (unsigned int i = 0; i < raw.count; i++) {
		const char *word = raw.at[i];

		/* A word that is "$NAME" alone becomes as many words as its value has. */
		if (word[0] == '$' && word[1] != '{' &&
		    take_variable(word, name, sizeof name) == strlen(word)) {
			find_variable(settings, name, value, sizeof value);
			if (!words_split(&several, value))
				return false;
			for (unsigned int j = 0; j < several.count; j++)
				if (!add_word(out, &used, several.at[j]))
					return false;
			continue;
		}
		if (!fill_in(settings, word, value, sizeof value) || !add_word(out, &used, value))
			return false;
	}
	return out->count > 0;
}

bool unit_parse(char *text, struct unit_command *command)
{
	struct unit_settings settings = { 0 };
	char *line;

	/* Bounded by UNIT_TEXT_SIZE */
	while ((line = take_line(&text)) != NULL)
		if (*line != '#' && *line != ';')
			take_setting(&settings, line);
	if (settings.exec_start == NULL || strlen(settings.exec_start) >= UNIT_COMMAND_SIZE)
		return false;
	snprintf(command->text, sizeof command->text, "%s", settings.exec_start);
	return expand(&settings, &command->words);
}

/* Remove one file from the text, in which "# PATH" precedes each. */
static void leave_out(char *text, const char *path)
{
	char header[256];
	char *start, *end;

	snprintf(header, sizeof header, "# %s\n", path);
	start = strstr(text, header);
	if (start == NULL)
		return;
	end = strstr(start, "\n# /");
	memmove(start, end == NULL ? "" : end + 1, end == NULL ? 1 : strlen(end + 1) + 1);
}

/* The unit's files, from systemd. The caller frees; NULL if there is no such unit. */
static char *cat_unit(const char *unit)
{
	_cleanup_free_ char *text = malloc(UNIT_TEXT_SIZE);
	char place[128];
	const char *const cat[] = { SYSTEMCTL, "--no-pager", "cat", unit, NULL };
	const char *const offline[] = { SYSTEMD_ANALYZE, "--no-pager", "cat-config", place, NULL };
	struct run_output output = { .text = text, .size = UNIT_TEXT_SIZE };
	char *whole = text;

	if (text == NULL)
		return NULL;
	snprintf(place, sizeof place, "systemd/system/%s", unit);
	/* The second works without a running systemd, but ignores units in a /lib that is not
	 * /usr/lib. */
	if (access("/run/systemd/system", F_OK) != 0 ||
	    run_for_output(cat, &output, RUN_ERRORS_DROPPED, 1000 * SECONDS) != 0)
		if (run_for_output(offline, &output, RUN_ERRORS_DROPPED, 1000 * SECONDS) != 0)
			return NULL;
	if (output.cut)
		return NULL;
	text = NULL;
	return whole;
}

bool unit_read(const char *unit, const char *except, struct unit_command *command)
{
	_cleanup_free_ char *text = cat_unit(unit);

	if (text == NULL)
		return false;
	if (except != NULL)
		leave_out(text, except);
	return unit_parse(text, command);
}

void unit_each_file(const char *unit, void (*visit)(const char *path, void *context), void *context)
{
	_cleanup_free_ char *text = cat_unit(unit);
	struct unit_settings settings = { 0 };
	char *rest = text, *line;

	/* Bounded by UNIT_TEXT_SIZE; "# PATH" precedes the text of each file. */
	while (text != NULL && (line = take_line(&rest)) != NULL) {
		if (strncmp(line, "# /", 3) == 0)
			visit(line + 2, context);
		else if (*line != '#' && *line != ';')
			take_setting(&settings, line);
	}
	for (unsigned int i = 0; i < settings.file_count; i++)
		visit(settings.files[i], context);
}
