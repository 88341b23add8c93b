/* SPDX-License-Identifier: Apache-2.0 */
/* Run a program on this terminal and exit as it does. */
#ifndef EXC_CLI_SSH_CHILD_H
#define EXC_CLI_SSH_CHILD_H

/* Added to the number of the signal that ended a program, as in shells */
#define CHILD_SIGNAL_BASE 128

/* Hold back signals that would end this process, until child_run() hands them on: call this before
 * there is a secret, so that every way out wipes it. */
void child_hold_signals(void);

/* Run argv[0] from PATH, with our own input, output and errors. It ends when we do. A SIGINT,
 * SIGTERM, SIGHUP or SIGQUIT sent to this process is passed on (those from the terminal reach it
 * anyway), and when it is stopped we stop, so that the shell takes the terminal back. Returns its
 * status, CHILD_SIGNAL_BASE plus the signal that ended it, or EXIT_EXC_FAILED when it cannot be
 * run, which is then reported. */
int child_run(char *const *argv);

#endif
