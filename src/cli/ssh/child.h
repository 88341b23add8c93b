/* SPDX-License-Identifier: Apache-2.0 */
/* Run a program on this terminal and end as it ends. */
#ifndef EXC_CHILD_H
#define EXC_CHILD_H

/* Added to the number of the signal that ended a program, as shells have it */
#define CHILD_SIGNAL_BASE 128

/* Hold back signals that would end this process, until child_run() hands them on: whoever has a
 * secret calls this before there is one, so that the way out always leads past its wiping. */
void child_hold_signals(void);

/* Run argv[0] from PATH, with our own input, output and errors. It ends when we do. A SIGINT,
 * SIGTERM, SIGHUP or SIGQUIT that somebody sends to this process goes on to it (those from the
 * terminal reach it anyway), and when it is stopped we stop, so that the shell takes the terminal
 * back. Returns its status, CHILD_SIGNAL_BASE and the signal that ended it, or EXIT_EXC_FAILED when
 * it cannot be run, which is then said. */
int child_run(char *const *argv);

#endif
