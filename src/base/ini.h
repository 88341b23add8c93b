/* SPDX-License-Identifier: Apache-2.0 */
/* Read a configuration file of NAME = VALUE lines, without sections, by a table of settings. */
#ifndef EXC_BASE_INI_H
#define EXC_BASE_INI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Bytes of a text setting, and of the message about a bad line */
#define INI_VALUE_SIZE 256
#define INI_WHY_SIZE 256
/* Rows of one table */
#define INI_SETTINGS_MAX 64

/* One row: which value it takes, and where that goes. */
struct ini_setting {
	const char *name;
	/* Check `value` and write it to `out`, which is `offset` bytes into the caller's struct.
	 * False, with *out as it was, when it is not what is expected. */
	bool (*read)(void *out, const char *value, const struct ini_setting *setting);
	size_t offset;
	const char *expected; /* for people: "1 to 60 seconds"; NULL: the words */
	unsigned int min, max; /* ini_number() */
	const char *const *words; /* ini_word(): what each number is called; NULL at the end */
};

/* Values of the usual kinds. `out` is, in this order: a char[INI_VALUE_SIZE] for any text and for
 * one that begins with a slash; an unsigned int from `min` to `max`; a bool from yes or no; an
 * unsigned int or an enum that is the index into `words`. */
bool ini_text(void *out, const char *value, const struct ini_setting *setting);
bool ini_path(void *out, const char *value, const struct ini_setting *setting);
bool ini_number(void *out, const char *value, const struct ini_setting *setting);
bool ini_yes_no(void *out, const char *value, const struct ini_setting *setting);
bool ini_word(void *out, const char *value, const struct ini_setting *setting);

/* Read all of `file`, even after a bad line, into the struct at `out`. Returns 0, or the number of
 * the first bad line, with `why` (INI_WHY_SIZE bytes): a setting that is unknown, set twice, or not
 * as expected. A line has at most 200 bytes (inih). */
int ini_read(FILE *file, const struct ini_setting *settings, size_t count, void *out, char *why);

#endif
