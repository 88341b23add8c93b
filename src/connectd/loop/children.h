/* SPDX-License-Identifier: Apache-2.0 */
/* Child processes: notice when one ends, and make one end. */
#ifndef EXC_CONNECTD_LOOP_CHILDREN_H
#define EXC_CONNECTD_LOOP_CHILDREN_H

#include <sys/types.h>

#include "connectd/loop/fd_watch.h"

/* Seconds between SIGHUP and SIGKILL */
#define CHILD_END_SECONDS 5

struct children;

struct child {
	lws_sorted_usec_list_t timer;
	struct child *next;
	struct children *children;
	pid_t pid;
	/* NULL once nobody waits; `status` is waitpid()'s */
	void (*ended)(void *context, int status);
	void *context;
};

struct children {
	struct watcher *watcher;
	struct watch signals;
	struct child *first;
};

/* Begin: SIGCHLD is blocked from now on. False after a message on stderr. */
bool children_start(struct children *children, struct watcher *watcher);

/* Kill the remaining ones and wait for them; after lws_context_destroy(). */
void children_stop(struct children *children);

/* Call `ended` when this process has ended, once; that frees the child. NULL: no memory; the
 * process is then killed. */
struct child *child_add(struct children *children, pid_t pid,
			void (*ended)(void *context, int status), void *context);

/* Stop waiting for it: SIGHUP now, and SIGKILL in CHILD_END_SECONDS. */
void child_leave(struct child *child);

/* Call first in a new process: no signal is blocked or ignored, it dies with `parent`, leaves no
 * core file, and has no descriptor but the first three. False when it must not continue. */
bool child_prepare(pid_t parent);

#endif
