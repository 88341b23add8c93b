/* SPDX-License-Identifier: Apache-2.0 */
/* Read /proc/PID/stat of a process (proc(5)). */
#ifndef EXC_BASE_PROCESS_H
#define EXC_BASE_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* TASK_COMM_LEN of the kernel */
#define PROCESS_NAME_SIZE 16

struct process {
	pid_t pid;
	pid_t parent;
	uint64_t start; /* clock ticks since the kernel started: with the pid, identifies it */
	char name[PROCESS_NAME_SIZE];
};

/* False when there is no such process, or /proc hides it from us. */
bool process_read(pid_t pid, struct process *process);

#endif
