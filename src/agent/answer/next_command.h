/* SPDX-License-Identifier: Apache-2.0 */
/* next_command: the AuthorizedKeysCommand that was there before us, run after us. */
#ifndef EXC_AGENT_ANSWER_NEXT_COMMAND_H
#define EXC_AGENT_ANSWER_NEXT_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "agent/provider/login_attempt.h"
#include "base/command_line.h"

/* Bytes of keys that it may print */
#define NEXT_COMMAND_OUTPUT_MAX (1024 * 1024)

/* Fill in the tokens. A command without arguments gets the user's name, as sshd gives it. False,
 * with `why` (of `size` bytes), if a token has no value here or it does not fit. */
bool next_command_expand(const char *command, const struct login_attempt *attempt,
			 struct words *words, char *why, size_t size);

/* Run it and take its keys into *keys (the caller frees), *length bytes. As in sshd, they count
 * only if it succeeded. Returns NEXT_COMMAND_OK, or with `why` one of the others. */
enum next_command_result {
	NEXT_COMMAND_OK,
	NEXT_COMMAND_FAILED,
	NEXT_COMMAND_TOO_LONG
};
enum next_command_result next_command_run(const char *command, const struct login_attempt *attempt,
					  unsigned int timeout_ms, char **keys, size_t *length,
					  char *why, size_t size);

#endif
