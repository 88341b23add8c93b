/* SPDX-License-Identifier: Apache-2.0 */
/* Read a configuration file of NAME = VALUE lines, without sections, by a table of settings. */
#include "base/ini.h"

#include <ini.h>
#include <stdint.h>
#include <string.h>

#include "base/number.h"

struct reader {
	const struct ini_setting *settings;
	size_t count;
	char *out;
	char *why; /* the first thing that was wrong */
	uint64_t seen; /* a bit for each setting */
	FILE *file;
	int line; /* that was read last */
	int too_long; /* the first that is, or 0 */
};

bool ini_text(void *out, const char *value, const struct ini_setting *setting)
{
	size_t size = strlen(value) + 1;

	(void)setting;
	if (size > INI_VALUE_SIZE)
		return false;
	memcpy(out, value, size);
	return true;
}

bool ini_path(void *out, const char *value, const struct ini_setting *setting)
{
	return value[0] == '/' && ini_text(out, value, setting);
}

bool ini_number(void *out, const char *value, const struct ini_setting *setting)
{
	return number_parse(value, setting->min, setting->max, out);
}

bool ini_yes_no(void *out, const char *value, const struct ini_setting *setting)
{
	bool yes = strcmp(value, "yes") == 0;

	(void)setting;
	if (!yes && strcmp(value, "no") != 0)
		return false;
	*(bool *)out = yes;
	return true;
}

bool ini_word(void *out, const char *value, const struct ini_setting *setting)
{
	for (unsigned int i = 0; setting->words[i] != NULL; i++)
		if (strcmp(setting->words[i], value) == 0) {
			*(unsigned int *)out = i;
			return true;
		}
	return false;
}

static const struct ini_setting *find_setting(const struct reader *reader, const char *name)
{
	for (size_t i = 0; i < reader->count && i < INI_SETTINGS_MAX; i++)
		if (strcmp(reader->settings[i].name, name) == 0)
			return &reader->settings[i];
	return NULL;
}

/* Give inih one line, as fgets(3) does. inih would take the rest of a line that is too long for it
 * for another one, and what comes before it for a value: such a line is left out, and is wrong
 * unless it is a comment. It would take an indented line for more of the one before: spaces at the
 * start go. */
static char *next_line(char *line, int size, void *context)
{
	struct reader *reader = context;
	size_t spaces;
	int byte;

	if (fgets(line, size, reader->file) == NULL)
		return NULL;
	reader->line++;
	spaces = strspn(line, " \t");
	if (strchr(line, '\n') == NULL && (byte = fgetc(reader->file)) != EOF) {
		while (byte != '\n' && byte != EOF)
			byte = fgetc(reader->file);
		if (reader->too_long == 0 && strchr("#;", line[spaces]) == NULL)
			reader->too_long = reader->line;
		line[0] = '\n';
		line[1] = '\0';
		return line;
	}
	memmove(line, line + spaces, strlen(line + spaces) + 1);
	return line;
}

static void print_wrong(const struct ini_setting *setting, const char *value, char *why)
{
	int length = snprintf(why, INI_WHY_SIZE, "%s = %.64s is not %s", setting->name, value,
			      setting->expected == NULL ? "" : setting->expected);

	/* Bounded by the table, and by INI_WHY_SIZE */
	for (size_t i = 0;
	     setting->expected == NULL && setting->words[i] != NULL && length < INI_WHY_SIZE; i++)
		length += snprintf(why + length, (size_t)(INI_WHY_SIZE - length), "%s%s",
				   i == 0                          ? ""
				   : setting->words[i + 1] == NULL ? " or "
								   : ", ",
				   setting->words[i]);
}

/* inih calls this for every line; 0 tells it that the line is wrong. */
static int read_line(void *context, const char *section, const char *name, const char *value)
{
	struct reader *reader = context;
	const struct ini_setting *setting = find_setting(reader, name);
	uint64_t bit = setting == NULL ? 0 : UINT64_C(1) << (setting - reader->settings);
	char wrong[INI_WHY_SIZE] = "";

	if (setting == NULL)
		snprintf(wrong, sizeof wrong, "unknown setting %.64s", name);
	else if ((reader->seen & bit) != 0)
		snprintf(wrong, sizeof wrong, "%s is set twice", setting->name);
	else if (!setting->read(reader->out + setting->offset, value, setting))
		print_wrong(setting, value, wrong);
	/* The setting counts all the same, for who is let in though a line is wrong. */
	if (wrong[0] == '\0' && section[0] != '\0')
		snprintf(wrong, sizeof wrong, "there are no sections here, but it is in [%.32s]",
			 section);
	reader->seen |= bit;
	if (reader->why[0] == '\0')
		memcpy(reader->why, wrong, sizeof wrong);
	return wrong[0] == '\0';
}

int ini_read(FILE *file, const struct ini_setting *settings, size_t count, void *out, char *why)
{
	struct reader reader = {
		.settings = settings, .count = count, .out = out, .why = why, .file = file
	};
	int line;

	why[0] = '\0';
	line = ini_parse_stream(next_line, &reader, read_line, &reader);
	if (reader.too_long != 0 && (line == 0 || reader.too_long < line)) {
		snprintf(why, INI_WHY_SIZE, "the line is too long");
		return reader.too_long;
	}
	if (line != 0 && why[0] == '\0')
		snprintf(why, INI_WHY_SIZE, "not NAME = VALUE");
	return line < 0 ? 1 : line;
}
