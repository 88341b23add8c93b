/* SPDX-License-Identifier: Apache-2.0 */
/* cmocka with what it wants included before it. */
#ifndef EXC_TEST_UNIT_H
#define EXC_TEST_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "grant/verdict.h"

/* Verdicts are compared by name, so that a failure says what came instead. */
#define assert_verdict(verdict, expected)                                                          \
	assert_string_equal(grant_verdict_name(verdict), grant_verdict_name(expected))

#endif
