/* SPDX-License-Identifier: Apache-2.0 */
/* The subcommands of exc-connectd. */
#ifndef EXC_COMMANDS_H
#define EXC_COMMANDS_H

#include "connectd/config.h"

#define EXIT_USAGE 2

/* Each takes the arguments after its name, and returns the program's exit status. */
int serve_main(int argc, char **argv, const struct connectd_config *config);
int init_main(int argc, char **argv, const struct connectd_config *config);
int instance_main(int argc, char **argv, const struct connectd_config *config);
int token_main(int argc, char **argv, const struct connectd_config *config);
int audit_main(int argc, char **argv, const struct connectd_config *config);

/* Print "exc-connectd: WHAT; try --help" and return EXIT_USAGE. */
int usage_error(const char *what);

#endif
