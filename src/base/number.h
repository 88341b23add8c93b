/* SPDX-License-Identifier: Apache-2.0 */
/* Read a number that a person or a header wrote. */
#ifndef EXC_BASE_NUMBER_H
#define EXC_BASE_NUMBER_H

#include <stdbool.h>

/* Read decimal digits and nothing else, no sign and no space: at most nine of them, from `min` to
 * `max`. False, with *number as it was, when it is something else. */
bool number_parse(const char *text, unsigned int min, unsigned int max, unsigned int *number);

#endif
