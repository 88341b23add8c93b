/* SPDX-License-Identifier: Apache-2.0 */
/* Root's proof that every PAM service which names our module has to run it.
 *
 * It is a file that lists all files and directories of PAM's configuration, as they were when root
 * checked them. The module compares them when sshd loads it, and so when libpam has just read them,
 * and tells the agent by its lock (module_lock.h). Any difference means that nothing is known. */
#ifndef EXC_LEDGER_STACK_PROOF_H
#define EXC_LEDGER_STACK_PROOF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Bytes of the whole file, on a stack when it is read, and of one path */
#define STACK_PROOF_BYTES_MAX (32 * 1024)
#define STACK_PROOF_PATH_SIZE 256

/* One file or directory: a change makes it another */
struct stack_file {
	uint64_t inode;
	int64_t changed; /* its ctime in nanoseconds */
	int64_t size; /* bytes */
	char path[STACK_PROOF_PATH_SIZE];
};

/* Look at a file; links are followed. False with errno; ENAMETOOLONG if the path does not fit. */
bool stack_file_look(const char *path, struct stack_file *file);

/* The last line: without it, the proof was cut off */
#define STACK_PROOF_END "end\n"

/* Print the first lines, and the line of a file, with a NUL. Returns the length, or -1 if it does
 * not fit. A path with a line feed cannot be printed. */
int stack_proof_print_start(char *out, size_t size);
int stack_proof_print(const struct stack_file *file, char *out, size_t size);

/* Is there a proof at this path, of root's and that only root can write, and is everything that it
 * lists as it was? Allocates nothing. */
bool stack_proof_holds(const char *path);

/* The same, for a module that libpam is loading: and was it for the service itself that libpam came
 * to our line? libpam reads the service `other` after each service and loads the modules of both,
 * but runs only those of the service if that has a session stack. It keeps every file open from the
 * service's own to the one with the line. */
bool stack_proof_holds_for_service(const char *path);

#endif
