/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the fault walk share: which fault is wanted, and what became of it. */
#ifndef EXC_FAULT_H
#define EXC_FAULT_H

#include <stdbool.h>
#include <sys/types.h>

/* The descriptor of the memory that is shared, in the environment of what the shim is loaded into
 */
#define FAULT_MEMORY "EXC_FAULT_MEMORY"

/* What goes wrong at the wanted point */
enum fault_kind {
	FAULT_NONE,
	FAULT_CALL, /* the system call fails */
	FAULT_CALLS, /* it fails, and from then on every one of the same number */
	FAULT_KILL, /* SIGKILL arrives before it */
	FAULT_MEMORY_ONCE, /* the allocation fails */
	FAULT_MEMORY_GONE /* it fails, and every one after it */
};

/* In memory that all processes of one connection share. */
struct fault {
	enum fault_kind kind;
	unsigned int at; /* the point, from 1: calls or allocations since the program was started */
	unsigned int choice; /* which errno of those that fit the call, from 0 */
	/* What became of it */
	bool armed; /* points are counted now */
	unsigned int points;
	bool loading; /* nothing of the agent's own has run yet, but the dynamic linker */
	bool done, done_loading;
	bool last_choice; /* there is no errno after this one */
	int call, error;
};

/* In the process that is to suffer: have every system call from here on wait for fault_serve(),
 * which learns of it through `control`. False when the kernel does not permit it. */
bool fault_suffer(int control);

/* In the process that watches: take `control`'s other end, and answer until it is closed by all. */
void fault_serve(int control, struct fault *fault);

/* The name of a system call, or its number in `text`. */
const char *fault_call_name(int call, char text[16]);

/* Have the allocations of this process, too, fail as `fault` says. */
void fault_allocations(struct fault *fault);

#endif
