/* SPDX-License-Identifier: Apache-2.0 */
/* Run another program, with limits on its time and its output. */
#ifndef EXC_BASE_RUN_PROGRAM_H
#define EXC_BASE_RUN_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* It could not be started; it took too long */
#define RUN_FAILED (-1)
#define RUN_TOO_LONG (-2)

/* A program's output: up to `size` - 1 bytes of it, and a NUL after them. */
struct run_output {
	char *text; /* the caller's, `size` bytes */
	size_t size;
	size_t length;
	bool cut; /* there was more, which was dropped */
};

/* Where its standard error goes: where ours goes, into the output, or nowhere. */
enum run_errors {
	RUN_ERRORS_KEPT,
	RUN_ERRORS_TAKEN,
	RUN_ERRORS_DROPPED
};

/* Run argv[0], an absolute path, with these arguments (NULL-ended), an empty standard input, this
 * process's environment and its own process group, and read its standard output. After `timeout_ms`
 * the group is killed. Returns its exit status, 128 and more for a signal, RUN_FAILED (with errno)
 * or RUN_TOO_LONG. */
int run_for_output(const char *const *argv, struct run_output *output, enum run_errors errors,
		   unsigned int timeout_ms);

/* The same in steps. A program in progress; the fields are private to run_program.c. */
struct running {
	pid_t pid;
	int fd; /* -1: it has closed its output */
};

enum run_state {
	RUN_ENDED,
	RUN_LATE, /* it goes on */
	RUN_UNREAD, /* likewise, and nobody is left to read what is to become of its output */
};

/* Start it. False with errno. */
bool run_start(const char *const *argv, struct run_output *output, enum run_errors errors,
	       struct running *running);

/* Gather its output until it has ended, with *status as waitpid(2) has it, or until `deadline` by
 * clock_monotonic_ms(), or until nobody reads any more from the pipe of which `reader`, which may
 * be -1, is the other end. To be called again, unless it has ended. */
enum run_state run_wait(struct running *running, struct run_output *output, int64_t deadline,
			int reader, int *status);

/* Kill it and all that it has started. Not after its end. */
void run_kill(struct running *running);

/* Its exit status, or 128 and more for a signal. */
int run_exit_status(int status);

/* run_for_output() with both streams in `output`, of `size` bytes, and a time in seconds. */
int run_program(const char *const *argv, char *output, size_t size, unsigned int seconds);

#endif
