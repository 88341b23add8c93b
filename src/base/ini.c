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

static const struct ini_setting *find_setting(const struct reader *reader, const char *section,
					      const char *name)
{
	for (size_t i = 0; i < reader->count && i < INI_SETTINGS_MAX; i++)
		if (section[0] == '\0' && strcmp(reader->settings[i].name, name) == 0)
			return &reader->settings[i];
	return NULL;
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
	const struct ini_setting *setting = find_setting(reader, section, name);
	uint64_t bit = setting == NULL ? 0 : UINT64_C(1) << (setting - reader->settings);
	char wrong[INI_WHY_SIZE] = "";

	if (setting == NULL)
		snprintf(wrong, sizeof wrong, "unknown setting %s%.32s%s%.64s",
			 section[0] == '\0' ? "" : "[", section, section[0] == '\0' ? "" : "] ",
			 name);
	else if ((reader->seen & bit) != 0)
		snprintf(wrong, sizeof wrong, "%s is set twice", setting->name);
	else if (!setting->read(reader->out + setting->offset, value, setting))
		print_wrong(setting, value, wrong);
	reader->seen |= bit;
	if (reader->why[0] == '\0')
		memcpy(reader->why, wrong, sizeof wrong);
	return wrong[0] == '\0';
}

int ini_read(FILE *file, const struct ini_setting *settings, size_t count, void *out, char *why)
{
	struct reader reader = { .settings = settings, .count = count, .out = out, .why = why };
	int line;

	why[0] = '\0';
	line = ini_parse_file(file, read_line, &reader);
	if (line != 0 && why[0] == '\0')
		snprintf(why, INI_WHY_SIZE, "not NAME = VALUE");
	return line < 0 ? 1 : line;
}
