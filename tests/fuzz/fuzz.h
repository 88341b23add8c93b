/* SPDX-License-Identifier: Apache-2.0 */
/* What every fuzz target has: libFuzzer's two functions, and a way to say that something is wrong.
 */
#ifndef EXC_TEST_FUZZ_H
#define EXC_TEST_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* What does not hold is a finding, and libFuzzer keeps the input that led to it. */
#define must(condition)                                                                            \
	do {                                                                                       \
		if (!(condition))                                                                  \
			abort();                                                                   \
	} while (0)

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

/* A copy that ends with NUL, in memory of just its size, so that reading past it is seen. The
 * caller frees. */
static inline char *fuzz_text(const uint8_t *bytes, size_t length)
{
	char *text = malloc(length + 1);

	must(text != NULL);
	memcpy(text, bytes, length);
	text[length] = '\0';
	return text;
}

#endif
