/* SPDX-License-Identifier: Apache-2.0 */
/* What the subcommands share: finding a verb, reading options, printing errors. */
#include <errno.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "connectd/commands.h"
#include "connectd/store/audit_trail.h"
#include "base/json.h"
#include "base/printable.h"

#define NOTE_SIZE 512
/* Of a Unix user */
#define NAME_SIZE 65
/* Bytes of a message; more is cut */
#define MESSAGE_SIZE 2048

int usage_error(const char *what)
{
	fputs("exc-connectd: ", stderr);
	printable_put(stderr, what);
	fputs("; try --help\n", stderr);
	return EXIT_USAGE;
}

void command_print_field(const char *name, const char *value)
{
	printf(" %s=", name);
	printable_put_word(stdout, value);
}

int command_print_json(cJSON *value)
{
	_cleanup_json_ cJSON *owned = value;
	_cleanup_free_ char *text = cJSON_Print(owned);

	if (text == NULL)
		return EXIT_FAILURE;
	printable_put_json(stdout, text);
	return putchar('\n') == '\n' && fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int command_fail(const char *format, ...)
{
	char text[MESSAGE_SIZE];
	va_list values;

	va_start(values, format);
	vsnprintf(text, sizeof text, format, values);
	va_end(values);
	fputs("exc-connectd: ", stderr);
	printable_put(stderr, text);
	fputc('\n', stderr);
	return EXIT_FAILURE;
}

int command_run_verb(int argc, char **argv, const struct connectd_config *config,
		     const struct verb *verbs, size_t count, const char *what)
{
	const struct verb *verb = NULL;
	char error[CONNECTD_ERROR_SIZE] = "";
	struct store store;
	int result;

	for (size_t i = 0; argc > 0 && i < count; i++)
		if (strcmp(verbs[i].name, argv[0]) == 0)
			verb = &verbs[i];
	if (verb == NULL)
		return usage_error(what);
	if (!store_open(&store, config->database, false, error, sizeof error))
		return command_fail("%s", error);
	result = verb->run(&store, argc - 1, argv + 1);
	store_end(&store, false);
	store_close(&store);
	return result;
}

bool command_takes_json(int argc, char **argv, bool *json)
{
	*json = argc == 1 && strcmp(argv[0], "--json") == 0;
	return argc == 0 || *json;
}

const char *command_take_option(int *argc, char **argv, const char *name)
{
	for (int i = 0; i + 1 < *argc; i++) {
		const char *value = argv[i + 1];

		if (strcmp(argv[i], name) != 0)
			continue;
		for (int j = i; j + 2 < *argc; j++)
			argv[j] = argv[j + 2];
		*argc -= 2;
		return value;
	}
	return NULL;
}

bool command_take_flag(int *argc, char **argv, const char *name)
{
	for (int i = 0; i < *argc; i++) {
		if (strcmp(argv[i], name) != 0)
			continue;
		for (int j = i; j + 1 < *argc; j++)
			argv[j] = argv[j + 1];
		*argc -= 1;
		return true;
	}
	return false;
}

char *command_read_file(const char *path, size_t max)
{
	FILE *opened = strcmp(path, "-") == 0 ? NULL : fopen(path, "re");
	FILE *file = strcmp(path, "-") == 0 ? stdin : opened;
	char *text = file == NULL ? NULL : malloc(max + 1);
	size_t length = 0;

	if (text == NULL)
		command_fail("%s: %s", path, strerror(errno));
	else
		length = fread(text, 1, max + 1, file);
	if (opened != NULL)
		fclose(opened);
	if (text == NULL)
		return NULL;
	if (length <= max) {
		text[length] = '\0';
		return text;
	}
	command_fail("%s: over %zu bytes", path, max);
	free(text);
	return NULL;
}

bool command_begin(const struct store *store)
{
	if (store_begin(store))
		return true;
	command_fail("the database is busy; try again");
	return false;
}

/* The name of the user who runs this, or the number if it has no name */
static void read_unix_user(char name[NAME_SIZE])
{
	const struct passwd *user = getpwuid(getuid());

	if (user != NULL)
		snprintf(name, NAME_SIZE, "%s", user->pw_name);
	else
		snprintf(name, NAME_SIZE, "%u", (unsigned int)getuid());
}

static bool note(const struct store *store, const struct instance *instance, const char *format,
		 va_list values)
{
	const char *sudo_user = getenv("SUDO_USER");
	char text[NOTE_SIZE], unix_user[NAME_SIZE], for_user[NAME_SIZE];
	struct trail_row row = { .event = "changed",
				 .caller = "operator",
				 .reason = text,
				 .unix_user = unix_user,
				 .sudo_user = for_user };

	vsnprintf(text, sizeof text, format, values);
	read_unix_user(unix_user);
	snprintf(for_user, sizeof for_user, "%s", sudo_user == NULL ? "" : sudo_user);
	if (instance != NULL) {
		row.vm_id = instance->vm_id;
		row.org = instance->org;
		row.instance = instance->id;
	}
	return trail_store(store, &row);
}

bool command_note(const struct store *store, const struct instance *instance, const char *format,
		  ...)
{
	va_list values;
	bool noted;

	va_start(values, format);
	noted = note(store, instance, format, values);
	va_end(values);
	return noted;
}

bool command_commit(const struct store *store, const struct instance *instance, const char *format,
		    ...)
{
	va_list values;
	bool noted;

	va_start(values, format);
	noted = note(store, instance, format, values);
	va_end(values);
	if (store_end(store, noted))
		return true;
	command_fail("cannot write the audit trail, so nothing was changed");
	return false;
}
