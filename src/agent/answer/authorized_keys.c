/* SPDX-License-Identifier: Apache-2.0 */
/* authorized-keys: answer sshd's question whether a key may log in as a user. */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/commands.h"
#include "agent/answer/answer.h"
#include "agent/config/config.h"
#include "ledger/ledger.h"
#include "agent/answer/next_command.h"
#include "agent/answer/recall.h"
#include "agent/http/fetch_process.h"
#include "ledger/paths.h"
#include "agent/config/problem_report.h"
#include "base/clock.h"

/* Milliseconds after timeout_ms when sshd gets an empty answer, whatever hangs. */
#define WATCHDOG_SLACK_MS 500

/* Exit status of a process of its own that has printed a key: see answer_apart() */
#define EXIT_PRINTED 10
/* What the watchdog ends with if the key is out already. sshd takes only success. */
static volatile sig_atomic_t status_if_printed = EXIT_SUCCESS;

static void give_up(int signal_number)
{
	(void)signal_number;
	_exit(answer_was_printed ? status_if_printed : EXIT_SUCCESS);
}

static bool answer_in_time(const struct config *config, const char *wrong,
			   const struct login_attempt *attempt)
{
	const unsigned int limit = config->timeout_ms + WATCHDOG_SLACK_MS;
	const struct itimerval timer = { .it_value = { .tv_sec = limit / 1000,
						       .tv_usec = limit % 1000 * 1000 } };

	sigset_t alarms;

	sigemptyset(&alarms);
	sigaddset(&alarms, SIGALRM);
	signal(SIGALRM, give_up);
	sigprocmask(SIG_UNBLOCK, &alarms, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
	return answer_sshd(config, wrong, attempt);
}

static void report_next(const struct config *config, enum problem problem,
			const struct login_attempt *attempt, const char *why)
{
	char detail[PROBLEM_DETAIL_SIZE];
	struct ledger ledger;
	const bool opened = ledger_open(&ledger, LEDGER_DIR);

	snprintf(detail, sizeof detail, "%.100s: %.150s", config->next_command, why);
	problem_report(opened ? &ledger : NULL, problem, attempt->user, detail);
	if (opened)
		ledger_close(&ledger);
}

enum own_answer {
	OWN_NONE,
	OWN_KEY,
	OWN_FAILED
};

/* Answer in a separate process: whatever happens to it, the other command goes on, outside our
 * sandbox. OWN_FAILED if the process cannot be created. */
static enum own_answer answer_apart(const struct config *config, const char *wrong,
				    const struct login_attempt *attempt)
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		signal(SIGTERM, SIG_DFL);
		status_if_printed = EXIT_PRINTED;
		_exit(answer_in_time(config, wrong, attempt) ? EXIT_PRINTED : EXIT_SUCCESS);
	}
	/* Its watchdog bounds this. */
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (pid < 0)
		return OWN_FAILED;
	return WIFEXITED(status) && WEXITSTATUS(status) == EXIT_PRINTED ? OWN_KEY : OWN_NONE;
}

/* Print the keys of the command that was there before us, or report why they do not count. */
static void print_next(const struct config *config, const struct login_attempt *attempt,
		       const struct next_command *next, enum next_command_state state)
{
	const char *keys;
	size_t length;

	if (state == NEXT_COMMAND_FAILED)
		report_next(config, PROBLEM_NEXT_COMMAND_FAILED, attempt, next->why);
	if (state != NEXT_COMMAND_KEYS)
		return;
	keys = next_command_keys(next, &length);
	answer_print(keys, length);
}

/* Answer beside the command that was there before us. If it names the offered key within
 * timeout_ms, the login is its, and we are not asked. If it takes longer, our answer comes first.
 * sshd takes the first line with the key, but reads on to the end: where we have the key, the other
 * command is ended. Where we have not, it may be people's only way in, and sshd decides how long it
 * waits for it. */
static void answer_beside(const struct config *config, const char *wrong,
			  const struct login_attempt *attempt)
{
	const mode_t ours = umask(022); /* as sshd would have run it */
	struct next_command next;
	enum next_command_state state;
	enum own_answer own = OWN_NONE;

	next_command_start(config->next_command, attempt, &next);
	umask(ours);
	state = next_command_wait(&next, clock_monotonic_ms() + config->timeout_ms);
	if (state != NEXT_COMMAND_KEYS || !next_command_names(&next, attempt->key))
		own = answer_apart(config, wrong, attempt);
	if (state == NEXT_COMMAND_LATE && own != OWN_KEY) {
		report_next(config, PROBLEM_NEXT_COMMAND_TIMEOUT, attempt,
			    "it takes longer than timeout_ms, and is waited for");
		state = next_command_wait(&next, INT64_MAX);
	}
	print_next(config, attempt, &next, state);
	next_command_free(&next);
	/* The watchdog and the sandbox then apply to this process: nothing runs after them. */
	if (own == OWN_FAILED)
		answer_in_time(config, wrong, attempt);
}

int authorized_keys_main(int argc, char **argv, const char *config_path)
{
	char detail[PROBLEM_DETAIL_SIZE] = "";
	struct login_attempt attempt;
	struct config config;
	const char *wrong;

	if (argc > 2 && strcmp(argv[0], "--fetch") == 0 && fetch_process_take_over(argv[1])) {
		argc -= 2;
		argv += 2;
	}
	if (argc != 2 && argc != 4) {
		fputs("Usage: exc-instance-connect authorized-keys USER FINGERPRINT [KEYTYPE KEY]\n"
		      "In sshd_config: AuthorizedKeysCommand /usr/bin/exc-instance-connect "
		      "authorized-keys %u %f %t %k\n",
		      stderr);
		return EXIT_USAGE;
	}
	attempt = (struct login_attempt){ .user = argv[0],
					  .passed_fingerprint = argv[1],
					  .key_type = argc == 4 ? argv[2] : NULL,
					  .key = argc == 4 ? argv[3] : NULL };
	wrong = config_load(&config, config_path, detail) ? NULL : detail;
	if (config.next_command[0] == '\0') {
		answer_in_time(&config, wrong, &attempt);
		return EXIT_SUCCESS;
	}
	answer_beside(&config, wrong, &attempt);
	return EXIT_SUCCESS;
}
