/* SPDX-License-Identifier: Apache-2.0 */
/* Read a command's options, spelled with '-' or with '_', and print its help. */
#ifndef EXC_CLI_TERMINAL_OPTIONS_H
#define EXC_CLI_TERMINAL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

/* The longest name of an option, NUL included */
#define OPTION_NAME_SIZE 32

/* One option: with a value, which goes to *text, or without one, which sets *flag. */
struct option {
	const char *name; /* without the two dashes, and with '-' between words */
	const char *value; /* what the help calls the value; NULL if there is none */
	const char *summary;
	const char **text;
	bool *flag;
};

struct options {
	const char *command; /* "compute exec" */
	const char *summary;
	const char *rest; /* what may come after "--"; NULL if nothing may */
	const struct option *list;
	size_t count;
};

/* The members for an array of options */
#define OPTIONS_LIST(array) .list = (array), .count = sizeof(array) / sizeof(array)[0]

enum options_result {
	OPTIONS_GOOD,
	OPTIONS_HELP, /* -h or --help: all else is ignored */
	OPTIONS_WRONG,
};

/* Read the arguments after the command. Values point into argv. `*rest` is what follows "--", ended
 * by NULL. OPTIONS_WRONG comes with `why`, of `size` bytes. */
enum options_result options_parse(const struct options *options, int argc, char **argv,
				  char ***rest, char *why, size_t size);

/* The same, but prints the help or what is wrong. True if the command is to go on; otherwise
 * *status is its exit status. */
bool options_read(const struct options *options, int argc, char **argv, char ***rest, int *status);

#endif
