/* SPDX-License-Identifier: Apache-2.0 */
/* The subcommands of exc-connectd, and what they share. */
#ifndef EXC_CONNECTD_COMMANDS_H
#define EXC_CONNECTD_COMMANDS_H

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>

#include "connectd/config/config.h"
#include "connectd/store/instance.h"
#include "connectd/store/store.h"

#define EXIT_USAGE 2
/* The most arguments of a subcommand that takes few */
#define COMMAND_ARGUMENTS_MAX 32

/* Each takes the arguments after its name, and returns the program's exit status. */
int serve_main(int argc, char **argv, const struct connectd_config *config);
int init_main(int argc, char **argv, const struct connectd_config *config);
int backup_main(int argc, char **argv, const struct connectd_config *config);
int instance_main(int argc, char **argv, const struct connectd_config *config);
int org_main(int argc, char **argv, const struct connectd_config *config);
int principal_main(int argc, char **argv, const struct connectd_config *config);
int policy_main(int argc, char **argv, const struct connectd_config *config);
int token_main(int argc, char **argv, const struct connectd_config *config);
int audit_main(int argc, char **argv, const struct connectd_config *config);

/* What these functions print may come from outside: see printable.h. */

/* Print "exc-connectd: WHAT; try --help" and return EXIT_USAGE. */
int usage_error(const char *what);

/* Print " NAME=VALUE" on standard output. */
void command_print_field(const char *name, const char *value);

/* Print this value, which is freed, on standard output. Returns the exit status. */
int command_print_json(cJSON *value);

/* Print "exc-connectd: …" and return EXIT_FAILURE. */
__attribute__((format(printf, 1, 2))) int command_fail(const char *format, ...);

/* What a subcommand such as "token" can do */
struct verb {
	const char *name;
	int (*run)(const struct store *store, int argc, char **argv);
};

/* Open the store and run the verb that argv[0] names, with the arguments after it. `what` is the
 * message about a missing or unknown verb. */
int command_run_verb(int argc, char **argv, const struct connectd_config *config,
		     const struct verb *verbs, size_t count, const char *what);

/* Is --json the only argument, if any? *json is set if given; false when there are others. */
bool command_takes_json(int argc, char **argv, bool *json);

/* Take `NAME VALUE` out of the arguments, wherever it is. NULL without it; *argc is then unchanged.
 * A NAME without a VALUE stays, for the caller to refuse. */
const char *command_take_option(int *argc, char **argv, const char *name);

/* Take NAME, which has no value, out of the arguments. False without it. */
bool command_take_flag(int *argc, char **argv, const char *name);

/* Read a text of up to `max` bytes from a file, or from standard input for "-". The caller frees.
 * NULL after a message on stderr. */
char *command_read_file(const char *path, size_t max);

/* Begin a change, after everything that it needs was read. False after a message on stderr. What is
 * not committed when the verb returns is undone. */
bool command_begin(const struct store *store);

/* Add one more row to the open change. False if it cannot be stored. */
__attribute__((format(printf, 3, 4))) bool command_note(const struct store *store,
							const struct instance *instance,
							const char *format, ...);

/* Add to the audit trail what the operator has changed, and who that was; `instance`, if not NULL,
 * is the one that it is about. Then commit the change together with its row. False, after a message
 * on stderr, with nothing changed. */
__attribute__((format(printf, 3, 4))) bool command_commit(const struct store *store,
							  const struct instance *instance,
							  const char *format, ...);

#endif
