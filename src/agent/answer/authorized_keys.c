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
#include "base/cleanup.h"

/* Milliseconds after timeout_ms when sshd gets an empty answer, whatever hangs. */
#define WATCHDOG_SLACK_MS 500

static void give_up(int signal_number)
{
	(void)signal_number;
	_exit(EXIT_SUCCESS);
}

static void answer_in_time(const struct config *config, const char *wrong,
			   const struct login_attempt *attempt)
{
	const unsigned int limit = config->timeout_ms + WATCHDOG_SLACK_MS;
	const struct itimerval timer = { .it_value = { .tv_sec = limit / 1000,
						       .tv_usec = limit % 1000 * 1000 } };

	signal(SIGALRM, give_up);
	setitimer(ITIMER_REAL, &timer, NULL);
	answer_sshd(config, wrong, attempt);
}

/* Run the command that was there before us, and pass on its keys. */
static void run_next(const struct config *config, const struct login_attempt *attempt)
{
	char why[PROBLEM_DETAIL_SIZE] = "", detail[PROBLEM_DETAIL_SIZE];
	_cleanup_free_ char *keys = NULL;
	enum next_command_result result;
	struct ledger ledger;
	bool opened;
	size_t length;

	umask(022); /* as sshd would have run it */
	result = next_command_run(config->next_command, attempt, config->timeout_ms, &keys, &length,
				  why, sizeof why);
	if (result == NEXT_COMMAND_OK) {
		answer_print(keys, length);
		return;
	}
	snprintf(detail, sizeof detail, "%.100s: %.150s", config->next_command, why);
	opened = ledger_open(&ledger, LEDGER_DIR);
	problem_report(opened ? &ledger : NULL,
		       result == NEXT_COMMAND_TOO_LONG ? PROBLEM_NEXT_COMMAND_TIMEOUT
						       : PROBLEM_NEXT_COMMAND_FAILED,
		       attempt->user, detail);
	if (opened)
		ledger_close(&ledger);
}

/* Answer in a separate process: whatever happens to it, the next command gets its turn, outside our
 * sandbox. False if the process cannot be created. */
static bool answer_apart(const struct config *config, const char *wrong,
			 const struct login_attempt *attempt)
{
	pid_t pid = fork();

	if (pid == 0) {
		answer_in_time(config, wrong, attempt);
		_exit(EXIT_SUCCESS);
	}
	/* Its watchdog bounds this. */
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return pid > 0;
}

int authorized_keys_main(int argc, char **argv, const char *config_path)
{
	char detail[PROBLEM_DETAIL_SIZE] = "";
	struct login_attempt attempt;
	struct config config;
	const char *wrong;
	bool answered;

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
	answered = answer_apart(&config, wrong, &attempt);
	run_next(&config, &attempt);
	/* The watchdog and the sandbox now apply to this process: nothing runs after them. */
	if (!answered)
		answer_in_time(&config, wrong, &attempt);
	return EXIT_SUCCESS;
}
