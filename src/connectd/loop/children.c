/* SPDX-License-Identifier: Apache-2.0 */
/* Child processes: notice when one ends, and make one end. */
#include "connectd/loop/children.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* Take it off the list and notify its owner. */
static void child_finish(struct child **place, int status)
{
	struct child *child = *place;

	*place = child->next;
	timer_cancel(child->children->watcher->context, &child->timer);
	if (child->ended != NULL)
		child->ended(child->context, status);
	free(child);
}

/* One signal may stand for several ends. */
static void on_signal(struct watch *watch, uint32_t events)
{
	struct children *children = lws_container_of(watch, struct children, signals);
	struct child **place = &children->first;
	struct signalfd_siginfo signal;
	int status;

	(void)events;
	while (read(watch->fd, &signal, sizeof signal) == (ssize_t)sizeof signal)
		continue; /* one kind only, so there is at most one */
	while (*place != NULL)
		if (waitpid((*place)->pid, &status, WNOHANG) == (*place)->pid)
			child_finish(place, status);
		else
			place = &(*place)->next;
}

bool children_start(struct children *children, struct watcher *watcher)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	*children = (struct children){ .watcher = watcher, .signals.ready = on_signal };
	sigprocmask(SIG_BLOCK, &signals, NULL);
	children->signals.fd = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
	if (children->signals.fd >= 0 && watch_set(watcher, &children->signals, EPOLLIN))
		return true;
	fprintf(stderr, "exc-connectd: cannot create a signalfd: %s\n", strerror(errno));
	return false;
}

void children_stop(struct children *children)
{
	while (children->first != NULL) {
		struct child *child = children->first;

		kill(child->pid, SIGKILL);
		waitpid(child->pid, NULL, 0);
		children->first = child->next;
		free(child);
	}
	watch_end(children->watcher, &children->signals);
}

struct child *child_add(struct children *children, pid_t pid,
			void (*ended)(void *context, int status), void *context)
{
	struct child *child = calloc(1, sizeof *child);

	if (child == NULL) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		return NULL;
	}
	child->next = children->first;
	child->children = children;
	child->pid = pid;
	child->ended = ended;
	child->context = context;
	children->first = child;
	return child;
}

static void on_late(lws_sorted_usec_list_t *timer)
{
	kill(lws_container_of(timer, struct child, timer)->pid, SIGKILL);
}

void child_leave(struct child *child)
{
	child->ended = NULL;
	kill(child->pid, SIGHUP);
	lws_sul_schedule(child->children->watcher->context, 0, &child->timer, on_late,
			 CHILD_END_SECONDS * LWS_US_PER_SEC);
}

bool child_prepare(pid_t parent)
{
	static const int signals[] = { SIGPIPE, SIGHUP, SIGTERM, SIGINT };
	const struct rlimit none = { 0, 0 };
	struct rlimit files;
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
		signal(signals[i], SIG_DFL);
	sigprocmask(SIG_SETMASK, &set, NULL);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent ||
	    setrlimit(RLIMIT_CORE, &none) != 0 || getrlimit(RLIMIT_NOFILE, &files) != 0)
		return false;
	/* Bounded by what server_run() has set. */
	for (int fd = STDERR_FILENO + 1; fd < (int)files.rlim_cur; fd++)
		close(fd);
	return true;
}
