/* SPDX-License-Identifier: Apache-2.0 */
/* next_command: the AuthorizedKeysCommand that was there before us, run beside us. */
#ifndef EXC_AGENT_ANSWER_NEXT_COMMAND_H
#define EXC_AGENT_ANSWER_NEXT_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/provider/login_attempt.h"
#include "base/command_line.h"
#include "base/run_program.h"

/* Bytes of keys that it may print */
#define NEXT_COMMAND_OUTPUT_MAX (1024 * 1024)
/* Bytes of the reason why they do not count */
#define NEXT_COMMAND_WHY_SIZE 160

/* Fill in the tokens. A command without arguments gets the user's name, as sshd gives it. False,
 * with `why` (of `size` bytes), if a token has no value here or it does not fit. */
bool next_command_expand(const char *command, const struct login_attempt *attempt,
			 struct words *words, char *why, size_t size);

/* One run of it. The fields are private to next_command.c. */
struct next_command {
	struct running running;
	struct run_output output; /* its text is next_command_free()'s */
	bool is_running;
	int status; /* how it ended */
	char why[NEXT_COMMAND_WHY_SIZE]; /* it cannot be started, or its keys do not count */
};

enum next_command_state {
	NEXT_COMMAND_KEYS, /* it has ended, and its keys count; there may be none */
	NEXT_COMMAND_FAILED, /* it has ended, or was never started: next->why */
	NEXT_COMMAND_LATE, /* it goes on */
	NEXT_COMMAND_UNREAD, /* likewise, but sshd needs no more answer */
};

/* Start it, as sshd would, in a process group of its own, which SIGTERM to this process ends. */
void next_command_start(const char *command, const struct login_attempt *attempt,
			struct next_command *next);

/* Wait for its end, but until `deadline` at most (clock_monotonic_ms()); INT64_MAX: for as long as
 * sshd waits. As in sshd, its keys count only if it succeeded. */
enum next_command_state next_command_wait(struct next_command *next, int64_t deadline);

/* The keys that it printed, *length bytes, after NEXT_COMMAND_KEYS. */
const char *next_command_keys(const struct next_command *next, size_t *length);

/* Does it print this key, which may be NULL, in one of its lines? Then a login with it is its. */
bool next_command_names(const struct next_command *next, const char *key);

/* End it, if it goes on, and free what it printed. */
void next_command_free(struct next_command *next);

#endif
