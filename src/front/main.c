/* SPDX-License-Identifier: Apache-2.0 */
/* exc-instance-connect: give sshd's second question the first one's answer, and become the agent
 * for everything else.
 *
 * sshd asks twice in one login, and the agent's libraries take longer to load than the ledger takes
 * to answer. Whatever is not plain here is the agent's, which also reports it. */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "agent/answer/recall.h"
#include "agent/config/config.h"
#include "agent/config/problem.h"
#include "agent/http/fetch_process.h"
#include "grant/grant.h"
#include "ledger/ledger.h"
#include "ledger/paths.h"

#define AGENT PROGRAMDIR "/agent"
/* How often to look for it, and milliseconds in between: two seconds in all */
#define LOOKS_MAX 200
#define LOOK_PAUSE_MS 10
/* exc-instance-connect authorized-keys USER FINGERPRINT [KEYTYPE KEY] */
#define WORDS_WITHOUT_KEY 4
#define WORDS_WITH_KEY 6

/* Only the agent's own user opens the ledger, and is asked by sshd. */
static bool recall(struct login_attempt *attempt, struct ledger *ledger)
{
	bool recalled;

	if (!ledger_open(ledger, LEDGER_DIR))
		return false;
	attempt->ledger = ledger;
	recall_look_around(attempt);
	recalled = recall_print(attempt);
	ledger_close(ledger);
	return recalled;
}

/* Is this sshd's question? With --config, which may stand anywhere, it is somebody else's. */
static bool is_question(int argc, char **argv)
{
	if ((argc != WORDS_WITHOUT_KEY && argc != WORDS_WITH_KEY) ||
	    strcmp(argv[1], "authorized-keys") != 0)
		return false;
	for (int i = 2; i < argc; i++)
		if (strncmp(argv[i], "--config", strlen("--config")) == 0)
			return false;
	return true;
}

/* Answer from the ledger. If that has no answer, start to ask the endpoint, in `fetch`, while the
 * agent's libraries are loaded. */
static bool answer(char **argv, char fetch[FETCH_PROCESS_TEXT_SIZE])
{
	struct login_attempt attempt = { .user = argv[2], .passed_fingerprint = argv[3] };
	char detail[PROBLEM_DETAIL_SIZE];
	struct config config;
	struct ledger ledger;

	if (!config_load(&config, CONFIG_FILE, detail) || config.next_command[0] != '\0' ||
	    !grant_user_is_valid(attempt.user) || config_denies(&config, attempt.user) ||
	    !recall_name_key(&attempt))
		return false;
	attempt.config = &config;
	if (recall(&attempt, &ledger))
		return true;
	if (fetch_process_start(&config) == 0)
		fetch_process_hand_over(fetch);
	return false;
}

/* A package's files are put in place one by one: in an upgrade from a version that was one program,
 * this one can be there before the agent. Returns if that does not come, or cannot run. */
static void become_agent(char **argv)
{
	const struct timespec pause = { .tv_nsec = LOOK_PAUSE_MS * 1000000L };

	for (unsigned int looks = 0; looks < LOOKS_MAX; looks++) {
		execv(AGENT, argv);
		if (errno != ENOENT)
			return;
		nanosleep(&pause, NULL);
		errno = ENOENT;
	}
}

int main(int argc, char **argv)
{
	char fetch[FETCH_PROCESS_TEXT_SIZE] = "", option[] = "--fetch";
	char *words[WORDS_WITH_KEY + 3] = { NULL };

	/* sshd closing the pipe is an error value, not a signal. */
	signal(SIGPIPE, SIG_IGN);
	umask(077);
	if (is_question(argc, argv) && answer(argv, fetch))
		_exit(EXIT_SUCCESS);
	if (fetch[0] != '\0') {
		words[0] = argv[0];
		words[1] = argv[1];
		words[2] = option;
		words[3] = fetch;
		memcpy(words + 4, argv + 2, (size_t)(argc - 2) * sizeof *argv);
		argv = words;
	}
	become_agent(argv);
	fprintf(stderr, "exc-instance-connect: %s: %s\n", AGENT, strerror(errno));
	return EXIT_FAILURE;
}
