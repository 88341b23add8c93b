/* SPDX-License-Identifier: Apache-2.0 */
/* Run a program on this terminal and exit as it does. */
#include "cli/ssh/child.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/terminal/say.h"

static const int held[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGCHLD };

static void held_signals(sigset_t *set)
{
	sigemptyset(set);
	for (size_t i = 0; i < sizeof held / sizeof held[0]; i++)
		sigaddset(set, held[i]);
}

void child_hold_signals(void)
{
	sigset_t set;

	held_signals(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

/* In the child: as if the shell had started it, except that it does not outlive us. */
static _Noreturn void become(char *const *argv, pid_t parent)
{
	sigset_t none;

	sigemptyset(&none);
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != parent)
		_exit(EXIT_EXC_FAILED);
	signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execvp(argv[0], argv);
	say("%s: %s; install the OpenSSH client", argv[0], strerror(errno));
	_exit(EXIT_EXC_FAILED);
}

/* True when the child has ended. */
static bool has_ended(pid_t child, int *status)
{
	pid_t changed;

	do {
		changed = waitpid(child, status, WNOHANG | WUNTRACED);
		if (changed == child && WIFSTOPPED(*status)) {
			/* Until we are continued */
			raise(SIGSTOP);
			kill(child, SIGCONT);
		}
	} while (changed == child && WIFSTOPPED(*status));
	if (changed < 0)
		*status = W_EXITCODE(EXIT_EXC_FAILED, 0);
	return changed != 0;
}

int child_run(char *const *argv)
{
	pid_t self = getpid(), child;
	siginfo_t information;
	int status = 0;
	sigset_t set;

	child_hold_signals();
	held_signals(&set);
	child = fork();
	if (child == 0)
		become(argv, self);
	if (child < 0) {
		say("cannot start a process: %s", strerror(errno));
		return EXIT_EXC_FAILED;
	}
	/* Ends when the child does, which is up to the user. */
	while (!has_ended(child, &status)) {
		int number = sigwaitinfo(&set, &information);

		/* The terminal sends its signals to the child as well. */
		if (number > 0 && number != SIGCHLD && information.si_code <= 0)
			kill(child, number);
	}
	if (WIFSIGNALED(status))
		return CHILD_SIGNAL_BASE + WTERMSIG(status);
	return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_EXC_FAILED;
}
