/* SPDX-License-Identifier: Apache-2.0 */
/* Read what /proc tells of a process (proc(5)). */
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

/* The real user of a process (/proc/PID/status). Its effective user may change, and the owner of
 * its files in /proc is root's where it cannot be traced. False as above. */
bool process_real_uid(pid_t pid, uid_t *uid);

#endif
