/* SPDX-License-Identifier: Apache-2.0 */
/* Read a command's options, spelled with '-' or with '_', and print its help. */
#include "cli/terminal/options.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/terminal/say.h"

/* Where the help's second column begins */
#define HELP_COLUMN 24

/* The option's name without dashes before it, up to '=', with '-' for '_'. */
static bool read_name(const char *argument, char name[OPTION_NAME_SIZE])
{
	size_t length = strcspn(argument, "=");

	if (length == 0 || length >= OPTION_NAME_SIZE)
		return false;
	for (size_t i = 0; i < length; i++)
		name[i] = argument[i];
	name[length] = '\0';
	for (size_t i = 0; i < length; i++)
		if (name[i] == '_')
			name[i] = '-';
	return true;
}

static const struct option *find_option(const struct options *options, const char *argument)
{
	char name[OPTION_NAME_SIZE];

	if (strncmp(argument, "--", 2) != 0 || !read_name(argument + 2, name))
		return NULL;
	for (size_t i = 0; i < options->count; i++)
		if (strcmp(options->list[i].name, name) == 0)
			return &options->list[i];
	return NULL;
}

static bool is_help(const char *argument)
{
	return strcmp(argument, "-h") == 0 || strcmp(argument, "--help") == 0;
}

/* argv[*at], and the argument after it if that is its value. */
static bool take_option(const struct options *options, char **argv, int *at, char *why, size_t size)
{
	const struct option *option = find_option(options, argv[*at]);
	const char *equals = strchr(argv[*at], '=');

	if (option == NULL) {
		snprintf(why, size, "unknown option %s", argv[*at]);
		return false;
	}
	if (option->value == NULL) {
		if (equals != NULL) {
			snprintf(why, size, "--%s takes no value", option->name);
			return false;
		}
		*option->flag = true;
		return true;
	}
	if (equals == NULL && argv[*at + 1] == NULL) {
		snprintf(why, size, "--%s needs a value: %s", option->name, option->value);
		return false;
	}
	*option->text = equals != NULL ? equals + 1 : argv[++*at];
	return true;
}

enum options_result options_parse(const struct options *options, int argc, char **argv,
				  char ***rest, char *why, size_t size)
{
	*rest = argv + argc;
	for (int i = 0; i < argc; i++) {
		if (is_help(argv[i]))
			return OPTIONS_HELP;
		if (strcmp(argv[i], "--") == 0 && options->rest != NULL) {
			*rest = argv + i + 1;
			return OPTIONS_GOOD;
		}
		if (argv[i][0] != '-' || argv[i][1] == '\0' || strcmp(argv[i], "--") == 0) {
			snprintf(why, size, "unexpected argument \"%s\"", argv[i]);
			return OPTIONS_WRONG;
		}
		if (!take_option(options, argv, &i, why, size))
			return OPTIONS_WRONG;
	}
	return OPTIONS_GOOD;
}

static void print_help(const struct options *options)
{
	printf("Usage: exc %s [OPTION...]%s%s\n\n%s\n\nOptions:\n", options->command,
	       options->rest == NULL ? "" : " -- ", options->rest == NULL ? "" : options->rest,
	       options->summary);
	for (size_t i = 0; i < options->count; i++) {
		const struct option *option = &options->list[i];
		int width = printf("  --%s%s%s", option->name, option->value == NULL ? "" : " ",
				   option->value == NULL ? "" : option->value);

		if (width >= HELP_COLUMN)
			width = -printf("\n") + 1;
		printf("%*s%s\n", HELP_COLUMN - width, "", option->summary);
	}
	printf("  -h, --help%*sshow this text\n\nSee exc(1).\n", HELP_COLUMN - 12, "");
}

bool options_read(const struct options *options, int argc, char **argv, char ***rest, int *status)
{
	char why[SAY_SIZE];

	switch (options_parse(options, argc, argv, rest, why, sizeof why)) {
	case OPTIONS_GOOD:
		return true;
	case OPTIONS_HELP:
		print_help(options);
		*status = EXIT_SUCCESS;
		return false;
	case OPTIONS_WRONG:
		say("%s; try exc %s --help", why, options->command);
		*status = EXIT_EXC_FAILED;
		return false;
	}
	return false;
}
