/* SPDX-License-Identifier: Apache-2.0 */
/* Print the control plane's answers to standard output. */
#ifndef EXC_CLI_TERMINAL_PRINT_H
#define EXC_CLI_TERMINAL_PRINT_H

#include <cjson/cJSON.h>

/* The longest text in a line or a column; more is cut */
#define PRINT_SIZE 256

/* JSON for programs, with a line break. */
void print_json(const cJSON *json);

/* A name and its value, without control characters. Nothing when the value is NULL. */
void print_line(const char *name, const char *value);

/* A column of `width` characters and a space; "-" for NULL. */
void print_column(int width, const char *value);

#endif
