/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger: one grant is spent once, whoever races, and old entries go away. */
#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "ledger/ledger.h"
#include "ledger/module_lock.h"
#include "agent/provider/clock_skew.h"
#include "ledger/stamp.h"
#include "agent/provider/vouched_time.h"
#include "mint.h"

#define KEY_HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define RACERS 16
#define ROUNDS 50

/* cmocka has one name for it before version 2, and others since. */
#define assert_between(value, least, most)                                                         \
	do {                                                                                       \
		long long is = (value);                                                            \
                                                                                                   \
		assert_true(is >= (least) && is <= (most));                                        \
	} while (0)

static const struct connection first = { 100, 0 };
static const struct connection second = { 101, 0 };

static int make_ledger(void **state)
{
	*state = mint_directory();
	return 0;
}

static int end_ledger(void **state)
{
	mint_remove(*state);
	return 0;
}

static struct ledger open_ledger(void **state)
{
	struct ledger ledger;

	assert_true(ledger_open(&ledger, *state));
	return ledger;
}

static struct offer offer_for(const char *jti)
{
	struct offer offer = { .deadline = clock_boottime() + 60,
			       .caller = "user:ana with a space",
			       .request_id = "req-1",
			       .user = "ubuntu",
			       .line = "command=\"date\",restrict ssh-ed25519 AAAA",
			       .fingerprint =
				       "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU" };

	snprintf(offer.jti, sizeof offer.jti, "%s", jti);
	assert_true(digest_hex(jti, strlen(jti), offer.jti_hash));
	return offer;
}

/* A process with this pid that began this much later than now, in seconds */
static struct connection later_process(pid_t pid, int64_t seconds)
{
	const int64_t start = (clock_boottime() + seconds) * sysconf(_SC_CLK_TCK);

	return (struct connection){ pid, (uint64_t)start };
}

static enum ledger_result spend_as(struct ledger *ledger, const struct connection *connection,
				   const char *user)
{
	struct offer spent;

	return ledger_spend(ledger, KEY_HASH, user, connection, &spent);
}

static enum ledger_result spend(struct ledger *ledger, const struct connection *connection)
{
	return spend_as(ledger, connection, "ubuntu");
}

static void an_offered_key_is_spent_once(void **state)
{
	struct ledger ledger = open_ledger(state);
	struct offer offer = offer_for("AAAAAAAAAAAAAAAAAAAAAA"), spent;

	assert_int_equal(spend(&ledger, &first), LEDGER_NOT_OURS);
	assert_int_equal(ledger_offer(&ledger, KEY_HASH, &offer, &first, false), LEDGER_OFFERED);
	assert_int_equal(ledger_offer(&ledger, KEY_HASH, &offer, &first, false), LEDGER_OFFERED);
	assert_int_equal(ledger_spend(&ledger, KEY_HASH, "ubuntu", &first, &spent), LEDGER_SPENT);
	assert_string_equal(spent.jti, offer.jti);
	assert_string_equal(spent.caller, offer.caller);
	assert_string_equal(spent.user, offer.user);
	assert_string_equal(spent.request_id, offer.request_id);
	assert_string_equal(spent.fingerprint, offer.fingerprint);
	assert_int_equal(spent.deadline, offer.deadline);
	assert_int_equal(ledger_spend(&ledger, KEY_HASH, "ubuntu", &first, &spent),
			 LEDGER_ALREADY_USED);
	assert_string_equal(spent.jti, offer.jti);
	assert_int_equal(ledger_offer(&ledger, KEY_HASH, &offer, &first, false),
			 LEDGER_ALREADY_USED);
	assert_int_equal(ledger_offer(&ledger, KEY_HASH, &offer, &second, false),
			 LEDGER_ALREADY_USED);
	ledger_close(&ledger);
}

static void what_a_grant_is_limited_to_is_in_its_offer(void **state)
{
	struct offer offer = offer_for("AAAAAAAAAAAAAAAAAAAAAA"), read;
	char text[OFFER_BYTES_MAX], *end;
	int length;

	(void)state;
	/* As an agent writes it that does not know them */
	assert_true(offer_print(&offer, text) > 0);
	assert_null(strstr(text, "\ncommand "));
	assert_true(offer_parse(text, &read));
	assert_string_equal(read.command, "");
	assert_string_equal(read.source, "");
	/* The longest of all: a module that does not know them still has the rest. */
	memset(offer.command, 'c', sizeof offer.command - 1);
	memset(offer.source, 's', sizeof offer.source - 1);
	memset(offer.caller, 'a', sizeof offer.caller - 1);
	memset(offer.line, 'l', sizeof offer.line - 1);
	length = offer_print(&offer, text);
	assert_true(length > 0 && length < OFFER_BYTES_MAX);
	assert_true(offer_parse(text, &read));
	assert_string_equal(read.command, offer.command);
	assert_string_equal(read.source, offer.source);
	end = strstr(text, "\ncommand ");
	assert_true(end != NULL && end - text < 2048 + AUTHORIZED_LINE_SIZE - 1);
	text[2048 + AUTHORIZED_LINE_SIZE - 1] = '\0';
	assert_true(offer_parse(text, &read));
	assert_string_equal(read.line, offer.line);
}

static void the_loser_of_a_race_between_connections_is_refused(void **state)
{
	struct ledger ledger = open_ledger(state);
	struct offer offer = offer_for("AAAAAAAAAAAAAAAAAAAAAA");

	assert_int_equal(ledger_offer(&ledger, KEY_HASH, &offer, &first, false), LEDGER_OFFERED);
	assert_int_equal(ledger_offer(&ledger, KEY_HASH, &offer, &second, false), LEDGER_OFFERED);
	assert_int_equal(spend(&ledger, &second), LEDGER_SPENT);
	assert_int_equal(spend(&ledger, &first), LEDGER_ALREADY_USED);
	ledger_close(&ledger);
}

static void a_bound_key_is_for_the_first_connection_only(void **state)
{
	struct ledger ledger = open_ledger(state);
	const struct connection us = { 100, 1000 }, same_pid_later = { 100, 1001 };
	struct offer offer = offer_for("AAAAAAAAAAAAAAAAAAAAAA");

	assert_int_equal(ledger_offer(&ledger, KEY_HASH, &offer, &us, true), LEDGER_OFFERED);
	assert_int_equal(ledger_offer(&ledger, KEY_HASH, &offer, &second, true),
			 LEDGER_ALREADY_USED);
	assert_int_equal(ledger_offer(&ledger, KEY_HASH, &offer, &same_pid_later, true),
			 LEDGER_ALREADY_USED);
	assert_int_equal(ledger_offer(&ledger, KEY_HASH, &offer, &us, true), LEDGER_OFFERED);
	/* The module spends it, if it does run. */
	assert_int_equal(spend(&ledger, &us), LEDGER_SPENT);
	ledger_close(&ledger);
}

/* A second sshd on the machine may run without the module. */
static void a_key_is_not_for_one_connection_by_the_module_and_one_by_binding(void **state)
{
	struct ledger ledger = open_ledger(state);
	struct offer one = offer_for("AAAAAAAAAAAAAAAAAAAAAA"),
		     two = offer_for("BBBBBBBBBBBBBBBBBBBBBB");

	/* Offered to both, then bound to the one, which logs in without a mark */
	assert_int_equal(ledger_offer(&ledger, KEY_HASH, &one, &second, false), LEDGER_OFFERED);
	assert_int_equal(ledger_offer(&ledger, KEY_HASH, &one, &first, true), LEDGER_OFFERED);
	assert_int_equal(spend(&ledger, &second), LEDGER_ALREADY_USED);
	/* Bound first */
	assert_int_equal(ledger_offer(&ledger, KEY_HASH, &two, &first, true), LEDGER_OFFERED);
	assert_int_equal(ledger_offer(&ledger, KEY_HASH, &two, &second, false),
			 LEDGER_ALREADY_USED);
	ledger_close(&ledger);
}

static void a_login_that_nothing_was_offered_to_is_not_ours(void **state)
{
	struct ledger ledger = open_ledger(state);
	struct offer offer = offer_for("AAAAAAAAAAAAAAAAAAAAAA");
	struct connection others = { 1000, 0 };

	/* The same key, but this connection got in by authorized_keys. */
	assert_int_equal(ledger_offer(&ledger, KEY_HASH, &offer, &first, false), LEDGER_OFFERED);
	assert_int_equal(spend(&ledger, &second), LEDGER_NOT_OURS);
	/* However many others were offered it, for whomever */
	snprintf(offer.user, sizeof offer.user, "other");
	for (int i = 0; i < 1100; i++, others.pid++)
		assert_int_equal(ledger_offer(&ledger, KEY_HASH, &offer, &others, false),
				 LEDGER_OFFERED);
	assert_int_equal(spend(&ledger, &second), LEDGER_NOT_OURS);
	ledger_close(&ledger);
}

static void an_offer_to_an_earlier_process_with_the_same_pid_is_not_ours(void **state)
{
	struct ledger ledger = open_ledger(state);
	const struct connection later = later_process(first.pid, 1),
				before = later_process(100, -1);
	struct offer offer = offer_for("AAAAAAAAAAAAAAAAAAAAAA"), recalled;
	char name[2 * DIGEST_HEX_SIZE];

	assert_int_equal(ledger_offer(&ledger, KEY_HASH, &offer, &first, false), LEDGER_OFFERED);
	assert_int_equal(spend_as(&ledger, &later, "other"), LEDGER_NOT_OURS);
	assert_false(ledger_recall(&ledger, KEY_HASH, offer.user, &later, false, &recalled));
	/* Not even if it cannot be read */
	snprintf(name, sizeof name, "%d/" KEY_HASH, (int)first.pid);
	assert_int_equal(fchmodat(ledger.connections, name, 0, 0), 0);
	assert_int_equal(spend_as(&ledger, &later, "other"), LEDGER_NOT_OURS);
	/* The one that asked began before that. */
	assert_int_equal(fchmodat(ledger.connections, name, 0600, 0), 0);
	assert_int_equal(spend(&ledger, &before), LEDGER_SPENT);
	ledger_close(&ledger);
}

static void a_key_that_was_offered_for_another_user_is_refused(void **state)
{
	struct ledger ledger = open_ledger(state);
	struct offer offer = offer_for("AAAAAAAAAAAAAAAAAAAAAA");

	assert_int_equal(ledger_offer(&ledger, KEY_HASH, &offer, &first, false), LEDGER_OFFERED);
	assert_int_equal(spend_as(&ledger, &first, "ana"), LEDGER_WRONG_USER);
	assert_int_equal(spend(&ledger, &first), LEDGER_SPENT);
	ledger_close(&ledger);
}

static void a_session_that_opens_long_after_the_grant_is_refused(void **state)
{
	struct ledger ledger = open_ledger(state);
	struct offer offer = offer_for("AAAAAAAAAAAAAAAAAAAAAA"),
		     late = offer_for("BBBBBBBBBBBBBBBBBBBBBB");

	offer.deadline = clock_boottime() - LEDGER_SESSION_MAX_SECONDS + 10;
	assert_int_equal(ledger_offer(&ledger, KEY_HASH, &offer, &first, false), LEDGER_OFFERED);
	assert_int_equal(spend(&ledger, &first), LEDGER_SPENT);
	late.deadline = clock_boottime() - LEDGER_SESSION_MAX_SECONDS - 1;
	assert_int_equal(ledger_offer(&ledger, KEY_HASH, &late, &first, false), LEDGER_OFFERED);
	assert_int_equal(spend(&ledger, &first), LEDGER_TOO_LATE);
	ledger_close(&ledger);
}

static void an_offer_is_recalled_by_its_connection_until_it_is_used(void **state)
{
	struct ledger ledger = open_ledger(state);
	struct offer offer = offer_for("AAAAAAAAAAAAAAAAAAAAAA"), recalled;

	assert_false(ledger_recall(&ledger, KEY_HASH, offer.user, &first, true, &recalled));
	assert_int_equal(ledger_offer(&ledger, KEY_HASH, &offer, &first, true), LEDGER_OFFERED);
	assert_true(ledger_recall(&ledger, KEY_HASH, offer.user, &first, true, &recalled));
	assert_string_equal(recalled.line, offer.line);
	assert_string_equal(recalled.jti, offer.jti);
	assert_false(ledger_recall(&ledger, KEY_HASH, offer.user, &second, true, &recalled));
	assert_false(ledger_recall(&ledger, KEY_HASH, "root", &first, true, &recalled));
	assert_int_equal(spend(&ledger, &first), LEDGER_SPENT);
	assert_false(ledger_recall(&ledger, KEY_HASH, offer.user, &first, true, &recalled));
	ledger_close(&ledger);
}

/* Under hidepid the agent does not see that the process which asked is gone. The module does. */
static void what_is_recalled_counts_for_the_process_that_recalls_it(void **state)
{
	struct ledger ledger = open_ledger(state);
	struct offer offer = offer_for("AAAAAAAAAAAAAAAAAAAAAA"), recalled;
	struct timespec old[2] = { { .tv_sec = 1 }, { .tv_sec = 1 } };
	struct connection module = later_process(first.pid, -1);
	char name[2 * DIGEST_HEX_SIZE];

	assert_int_equal(ledger_offer(&ledger, KEY_HASH, &offer, &first, false), LEDGER_OFFERED);
	snprintf(name, sizeof name, "%d/" KEY_HASH, (int)first.pid);
	assert_int_equal(utimensat(ledger.connections, name, old, 0), 0);
	assert_int_equal(spend(&ledger, &module), LEDGER_NOT_OURS);
	assert_true(ledger_recall(&ledger, KEY_HASH, offer.user, &first, false, &recalled));
	assert_int_equal(spend(&ledger, &module), LEDGER_SPENT);
	ledger_close(&ledger);
}

static void an_offer_that_only_the_module_kept_single_is_not_recalled_without_it(void **state)
{
	struct ledger ledger = open_ledger(state);
	struct offer offer = offer_for("AAAAAAAAAAAAAAAAAAAAAA"), recalled;

	assert_int_equal(ledger_offer(&ledger, KEY_HASH, &offer, &first, false), LEDGER_OFFERED);
	assert_int_equal(ledger_offer(&ledger, KEY_HASH, &offer, &second, false), LEDGER_OFFERED);
	assert_false(ledger_recall(&ledger, KEY_HASH, offer.user, &first, true, &recalled));
	assert_int_equal(ledger_offer(&ledger, KEY_HASH, &offer, &first, true), LEDGER_OFFERED);
	assert_true(ledger_recall(&ledger, KEY_HASH, offer.user, &first, true, &recalled));
	assert_false(ledger_recall(&ledger, KEY_HASH, offer.user, &second, false, &recalled));
	ledger_close(&ledger);
}

static void an_offer_that_is_over_is_not_recalled(void **state)
{
	struct ledger ledger = open_ledger(state);
	struct offer over = offer_for("AAAAAAAAAAAAAAAAAAAAAA"),
		     later = offer_for("BBBBBBBBBBBBBBBBBBBBBB"), recalled;

	over.deadline = clock_boottime();
	assert_int_equal(ledger_offer(&ledger, KEY_HASH, &over, &first, true), LEDGER_OFFERED);
	assert_false(ledger_recall(&ledger, KEY_HASH, over.user, &first, true, &recalled));
	assert_int_equal(ledger_offer(&ledger, KEY_HASH, &later, &first, true), LEDGER_OFFERED);
	assert_true(ledger_recall(&ledger, KEY_HASH, over.user, &first, true, &recalled));
	assert_string_equal(recalled.jti, later.jti);
	ledger_close(&ledger);
}

static void a_key_that_was_granted_twice_is_spent_twice(void **state)
{
	struct ledger ledger = open_ledger(state);
	struct offer one = offer_for("AAAAAAAAAAAAAAAAAAAAAA"),
		     two = offer_for("BBBBBBBBBBBBBBBBBBBBBB"), spent;

	assert_int_equal(ledger_offer(&ledger, KEY_HASH, &one, &first, false), LEDGER_OFFERED);
	assert_int_equal(spend(&ledger, &first), LEDGER_SPENT);
	assert_int_equal(ledger_offer(&ledger, KEY_HASH, &two, &second, false), LEDGER_OFFERED);
	assert_int_equal(ledger_spend(&ledger, KEY_HASH, "ubuntu", &second, &spent), LEDGER_SPENT);
	assert_string_equal(spent.jti, two.jti);
	assert_int_equal(spend(&ledger, &second), LEDGER_ALREADY_USED);
	ledger_close(&ledger);
}

static void the_longest_fields_fit(void **state)
{
	struct ledger ledger = open_ledger(state);
	struct offer offer = offer_for("AAAAAAAAAAAAAAAAAAAAAA"), spent;

	memset(offer.caller, 'c', sizeof offer.caller - 1);
	memset(offer.request_id, 'r', sizeof offer.request_id - 1);
	memset(offer.jti, 'j', sizeof offer.jti - 1);
	memset(offer.user, 'u', sizeof offer.user - 1);
	memset(offer.line, 'l', sizeof offer.line - 1);
	assert_int_equal(ledger_offer(&ledger, KEY_HASH, &offer, &first, true), LEDGER_OFFERED);
	assert_int_equal(ledger_spend(&ledger, KEY_HASH, offer.user, &first, &spent), LEDGER_SPENT);
	assert_string_equal(spent.caller, offer.caller);
	assert_string_equal(spent.line, offer.line);
	ledger_close(&ledger);
}

/* One connection's bound keeps out that connection's next one-time key, and nothing else. */
static void one_connection_has_a_bound_on_its_keys(void **state)
{
	const struct connection us = later_process(100, -1), next = later_process(100, 1);
	struct ledger ledger = open_ledger(state);
	struct offer offer = offer_for("AAAAAAAAAAAAAAAAAAAAAA");
	char hash[DIGEST_HEX_SIZE];

	for (int i = 0; i < LEDGER_OFFERS_PER_CONNECTION_MAX; i++) {
		digest_hex(&i, sizeof i, hash);
		assert_int_equal(ledger_offer(&ledger, hash, &offer, &us, false), LEDGER_OFFERED);
	}
	assert_int_equal(ledger_offer(&ledger, hash, &offer, &us, false), LEDGER_OFFERED);
	assert_int_equal(ledger_offer(&ledger, KEY_HASH, &offer, &us, false), LEDGER_UNAVAILABLE);
	assert_int_equal(spend(&ledger, &us), LEDGER_NOT_OURS);
	assert_int_equal(ledger_offer(&ledger, KEY_HASH, &offer, &second, false), LEDGER_OFFERED);
	/* What an earlier process with this pid left does not count. */
	assert_int_equal(ledger_offer(&ledger, KEY_HASH, &offer, &next, false), LEDGER_OFFERED);
	ledger_close(&ledger);
}

/* Run `racer` in RACERS processes at once; returns how many of them exited with 0. */
static int race(struct ledger *ledger, int (*racer)(struct ledger *ledger, int number))
{
	int gate[2], winners = 0;
	char byte;

	assert_int_equal(pipe(gate), 0);
	for (int i = 0; i < RACERS; i++) {
		if (fork() != 0)
			continue;
		close(gate[1]);
		if (read(gate[0], &byte, 1) != 0) /* until the parent closes it */
			_exit(2);
		_exit(racer(ledger, i));
	}
	close(gate[0]);
	close(gate[1]);
	for (int i = 0; i < RACERS; i++) {
		int status;

		wait(&status);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
		winners += WEXITSTATUS(status) == 0;
	}
	return winners;
}

static int spend_racer(struct ledger *ledger, int number)
{
	(void)number;
	return spend(ledger, &first) == LEDGER_SPENT ? 0 : 1;
}

static int bind_racer(struct ledger *ledger, int number)
{
	struct offer offer = offer_for("BBBBBBBBBBBBBBBBBBBBBB");
	struct connection connection = { 1 + number, 7 };

	return ledger_offer(ledger, KEY_HASH, &offer, &connection, true) == LEDGER_OFFERED ? 0 : 1;
}

static void however_many_race_exactly_one_spends(void **state)
{
	for (int round = 0; round < ROUNDS; round++) {
		struct ledger ledger = open_ledger(state);
		struct offer offer = offer_for("AAAAAAAAAAAAAAAAAAAAAA");

		assert_int_equal(ledger_offer(&ledger, KEY_HASH, &offer, &first, false),
				 LEDGER_OFFERED);
		assert_int_equal(race(&ledger, spend_racer), 1);
		assert_int_equal(race(&ledger, bind_racer), 1);
		ledger_close(&ledger);
		end_ledger(state);
		make_ledger(state);
	}
}

/* One connection is offered the key by the module, another gets it bound; both try. */
static int mixed_racer(struct ledger *ledger, int number)
{
	struct offer offer = offer_for("CCCCCCCCCCCCCCCCCCCCCC");

	if (number == 0)
		return spend(ledger, &second) == LEDGER_SPENT ? 0 : 1;
	if (number > 1)
		return 1;
	return ledger_offer(ledger, KEY_HASH, &offer, &first, true) == LEDGER_OFFERED ? 0 : 1;
}

static void of_the_module_and_a_binding_at_most_one_gets_the_key(void **state)
{
	for (int round = 0; round < ROUNDS; round++) {
		struct ledger ledger = open_ledger(state);
		struct offer offer = offer_for("CCCCCCCCCCCCCCCCCCCCCC");

		assert_int_equal(ledger_offer(&ledger, KEY_HASH, &offer, &second, false),
				 LEDGER_OFFERED);
		assert_true(race(&ledger, mixed_racer) <= 1);
		ledger_close(&ledger);
		end_ledger(state);
		make_ledger(state);
	}
}

static unsigned int count(int folder)
{
	DIR *stream = fdopendir(openat(folder, ".", O_RDONLY | O_DIRECTORY));
	const struct dirent *entry;
	unsigned int counted = 0;

	while ((entry = readdir(stream)) != NULL)
		counted += entry->d_name[0] != '.';
	closedir(stream);
	return counted;
}

/* A pid that no process has */
static pid_t dead_pid(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	waitpid(pid, NULL, 0);
	return pid;
}

static void the_sweep_takes_marks_that_no_login_can_meet(void **state)
{
	struct ledger ledger = open_ledger(state);
	struct offer old = offer_for("AAAAAAAAAAAAAAAAAAAAAA"), young = old;
	int64_t made;

	assert_true(ledger_made(&ledger, &made));
	old.deadline = clock_boottime() - LEDGER_RETENTION_SECONDS - 1;
	young.deadline = clock_boottime() - LEDGER_RETENTION_SECONDS + 100;
	for (int i = 0; i < 50; i++) {
		struct offer *offer = i % 2 == 0 ? &old : &young;

		digest_hex(&i, sizeof i, offer->jti_hash);
		assert_int_equal(ledger_offer(&ledger, KEY_HASH, offer, &first, true),
				 LEDGER_OFFERED);
		close(openat(ledger.used, offer->jti_hash, O_CREAT | O_WRONLY, 0600));
		utimensat(ledger.used, offer->jti_hash,
			  (struct timespec[]){ { .tv_sec = offer->deadline },
					       { .tv_sec = offer->deadline } },
			  0);
	}
	/* A mark without its time is younger than any clock tells. */
	digest_hex("half", 4, old.jti_hash);
	close(openat(ledger.used, old.jti_hash, O_CREAT | O_WRONLY, 0600));
	/* Many more than are needed: each starts somewhere else. */
	for (int i = 0; i < 3000 && count(ledger.used) + count(ledger.bound) > 53; i++)
		ledger_sweep(&ledger);
	assert_int_equal(count(ledger.used), 25 + 1 + 1);
	assert_int_equal(count(ledger.bound), 25 + 1);
	assert_true(ledger_made(&ledger, &made));
	ledger_close(&ledger);
}

/* An hour waiting for a second factor is no reason: two connections would both be let by. */
static void the_sweep_takes_an_entry_when_its_process_is_gone_and_not_before(void **state)
{
	struct ledger ledger = open_ledger(state);
	const struct connection alive = { getpid(), 0 }, gone = { dead_pid(), 0 };
	struct offer old = offer_for("AAAAAAAAAAAAAAAAAAAAAA");

	old.deadline = clock_boottime() - 2 * LEDGER_RETENTION_SECONDS;
	assert_int_equal(ledger_offer(&ledger, KEY_HASH, &old, &alive, false), LEDGER_OFFERED);
	assert_int_equal(ledger_offer(&ledger, KEY_HASH, &old, &gone, false), LEDGER_OFFERED);
	for (int i = 0; i < 300 && count(ledger.connections) > 1; i++)
		ledger_sweep(&ledger);
	assert_int_equal(spend(&ledger, &gone), LEDGER_NOT_OURS);
	assert_int_equal(spend(&ledger, &alive), LEDGER_TOO_LATE);
	ledger_close(&ledger);
}

static void the_sweep_takes_what_a_reused_pid_left(void **state)
{
	struct ledger ledger = open_ledger(state);
	const struct connection us = { getpid(), 0 };
	struct timespec old[2] = { { .tv_sec = 1 }, { .tv_sec = 1 } };
	struct offer offer = offer_for("AAAAAAAAAAAAAAAAAAAAAA");
	char name[2 * DIGEST_HEX_SIZE];

	assert_int_equal(ledger_offer(&ledger, KEY_HASH, &offer, &us, false), LEDGER_OFFERED);
	for (int i = 0; i < 100; i++)
		ledger_sweep(&ledger);
	assert_int_equal(count(ledger.connections), 1);
	/* Asked before this process began */
	snprintf(name, sizeof name, "%d/" KEY_HASH, (int)us.pid);
	assert_int_equal(utimensat(ledger.connections, name, old, 0), 0);
	for (int i = 0; i < 300 && count(ledger.connections) > 0; i++)
		ledger_sweep(&ledger);
	assert_int_equal(count(ledger.connections), 0);
	ledger_close(&ledger);
}

static void one_sweep_takes_a_bounded_number(void **state)
{
	struct ledger ledger = open_ledger(state);
	struct connection gone = { 4000000, 0 };
	struct offer offer = offer_for("AAAAAAAAAAAAAAAAAAAAAA");

	for (int i = 0; i < 3 * LEDGER_SWEEP_MAX; i++, gone.pid++)
		ledger_offer(&ledger, KEY_HASH, &offer, &gone, false);
	ledger_sweep(&ledger);
	assert_true(count(ledger.connections) >= 2 * LEDGER_SWEEP_MAX);
	ledger_close(&ledger);
}

static int offer_racer(struct ledger *ledger, int number)
{
	const struct connection us = { dead_pid(), 0 };
	struct offer offer = offer_for("AAAAAAAAAAAAAAAAAAAAAA");

	if (number % 2 == 0)
		ledger_sweep(ledger);
	return ledger_offer(ledger, KEY_HASH, &offer, &us, false) == LEDGER_OFFERED ? 0 : 1;
}

static void while_others_sweep_every_offer_is_recorded(void **state)
{
	for (int round = 0; round < ROUNDS; round++) {
		struct ledger ledger = open_ledger(state);

		assert_int_equal(race(&ledger, offer_racer), RACERS);
		ledger_close(&ledger);
	}
}

static void a_ledger_that_others_can_read_or_that_is_missing_is_not_used(void **state)
{
	struct ledger ledger;

	assert_int_equal(chmod(*state, 0755), 0);
	assert_false(ledger_open(&ledger, *state));
	assert_int_equal(errno, EPERM);
	assert_false(ledger_open_as_root(&ledger, *state));
	assert_int_equal(chmod(*state, 0700), 0);
	assert_false(ledger_open_as_root(&ledger, *state));
	assert_int_equal(errno, ENOENT);
	assert_false(ledger_open(&ledger, "/nonexistent/ledger"));
	assert_int_equal(errno, ENOENT);
}

static void a_symbolic_link_leads_nowhere(void **state)
{
	struct ledger ledger = open_ledger(state);
	struct offer offer = offer_for("AAAAAAAAAAAAAAAAAAAAAA");
	char *elsewhere = mint_directory();
	char pid[16];

	snprintf(pid, sizeof pid, "%d", (int)first.pid);
	assert_int_equal(symlinkat(elsewhere, ledger.connections, pid), 0);
	assert_int_equal(ledger_offer(&ledger, KEY_HASH, &offer, &first, false),
			 LEDGER_UNAVAILABLE);
	assert_int_equal(spend(&ledger, &first), LEDGER_NOT_OURS);
	ledger_close(&ledger);
	mint_remove(elsewhere);
}

static void an_offer_that_cannot_be_read_is_refused(void **state)
{
	struct ledger ledger = open_ledger(state);
	struct offer offer = offer_for("AAAAAAAAAAAAAAAAAAAAAA");
	char name[2 * DIGEST_HEX_SIZE];
	int fd;

	assert_int_equal(ledger_offer(&ledger, KEY_HASH, &offer, &first, false), LEDGER_OFFERED);
	snprintf(name, sizeof name, "%d/" KEY_HASH, (int)first.pid);
	fd = openat(ledger.connections, name, O_WRONLY | O_TRUNC);
	assert_int_equal(write(fd, "from the future\n", 16), 16);
	close(fd);
	assert_int_equal(spend(&ledger, &first), LEDGER_UNAVAILABLE);
	/* That was this connection's, and this key's. */
	assert_int_equal(spend(&ledger, &second), LEDGER_NOT_OURS);
	assert_int_equal(ledger_offer(&ledger, KEY_HASH, &offer, &second, false), LEDGER_OFFERED);
	assert_int_equal(spend(&ledger, &second), LEDGER_SPENT);
	ledger_close(&ledger);
}

static void an_offer_whose_deadline_no_clock_reaches_is_refused(void **state)
{
	struct ledger ledger = open_ledger(state);
	struct offer offer = offer_for("AAAAAAAAAAAAAAAAAAAAAA");

	offer.deadline = INT64_MAX;
	assert_int_equal(ledger_offer(&ledger, KEY_HASH, &offer, &first, false), LEDGER_OFFERED);
	assert_int_equal(spend(&ledger, &first), LEDGER_UNAVAILABLE);
	ledger_close(&ledger);
}

/* In a child that may take the lock: a process that has it does not see it as another's. */
static void a_lock_of_roots_proves_that_the_module_runs(void **state)
{
	struct ledger ledger = open_ledger(state);
	int ready[2], end[2], status;
	char byte = 0;
	pid_t pid;

	if (geteuid() != 0)
		skip();
	assert_false(module_lock_is_held(&ledger, getpid()));
	assert_int_equal(module_lock_take(*state), -1);
	close(openat(ledger.directory, MODULE_LOCK_FILE, O_CREAT | O_WRONLY, 0644));
	assert_int_equal(pipe(ready) | pipe(end), 0);
	pid = fork();
	if (pid == 0) {
		byte = module_lock_take(*state) >= 0 ? 'y' : 'n';
		close(end[1]);
		if (write(ready[1], &byte, 1) != 1 || read(end[0], &byte, 1) != 0)
			_exit(1);
		_exit(0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(byte, 'y');
	assert_true(module_lock_is_held(&ledger, pid));
	assert_false(module_lock_is_held(&ledger, pid + 1));
	assert_false(module_lock_is_held(&ledger, getpid()));
	/* A file that others can write proves nothing, and neither does one of another owner. */
	assert_int_equal(fchmodat(ledger.directory, MODULE_LOCK_FILE, 0666, 0), 0);
	assert_false(module_lock_is_held(&ledger, pid));
	assert_int_equal(fchmodat(ledger.directory, MODULE_LOCK_FILE, 0644, 0), 0);
	assert_int_equal(fchownat(ledger.directory, MODULE_LOCK_FILE, 1, 1, 0), 0);
	assert_false(module_lock_is_held(&ledger, pid));
	assert_int_equal(fchownat(ledger.directory, MODULE_LOCK_FILE, 0, 0, 0), 0);
	assert_true(module_lock_is_held(&ledger, pid));
	/* However the process ends */
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	assert_false(module_lock_is_held(&ledger, pid));
	for (int i = 0; i < 2; i++) {
		close(ready[i]);
		close(end[i]);
	}
	ledger_close(&ledger);
}

static void a_stamp_lets_one_through_in_a_period(void **state)
{
	struct ledger ledger = open_ledger(state);

	assert_int_equal(stamp_read(&ledger, "said.test"), 0);
	assert_true(stamp_once_per(&ledger, "said.test", 60));
	assert_false(stamp_once_per(&ledger, "said.test", 60));
	assert_true(stamp_once_per(&ledger, "said.other", 60));
	stamp_write(&ledger, "said.test", clock_boottime());
	assert_true(stamp_once_per(&ledger, "said.test", 60));
	/* Set by something else: far in the future */
	stamp_write(&ledger, "said.test", clock_boottime() + 100000);
	assert_true(stamp_once_per(&ledger, "said.test", 60));
	ledger_close(&ledger);
}

#define LEDGER_TEST(name) cmocka_unit_test_setup_teardown(name, make_ledger, end_ledger)

static void the_time_that_was_vouched_for_never_goes_back(void **state)
{
	struct ledger ledger = open_ledger(state);
	const time_t now = time(NULL);
	const time_t later = now + 86400, much_later = now + 2 * 86400;

	assert_int_equal(vouched_time_earliest(&ledger), 0);
	assert_between(vouched_time_without(&ledger), now, now + 5);
	/* A clock that is fast: what is signed counts, though it is earlier than the clock. */
	assert_int_equal(vouched_time_take(&ledger, now - 86400), now - 86400);
	assert_between(vouched_time_without(&ledger), now, now + 5);
	/* One that is slow */
	assert_int_equal(vouched_time_take(&ledger, later), later);
	assert_between(vouched_time_earliest(&ledger), later, later + 5);
	assert_between(vouched_time_without(&ledger), later, later + 5);
	assert_between(vouched_time_take(&ledger, now), later, later + 5);
	assert_between(vouched_time_take(&ledger, 0), later, later + 5);
	assert_int_equal(vouched_time_take(&ledger, much_later), much_later);
	ledger_close(&ledger);
}

static void a_clock_is_off_by_what_the_last_refused_grant_says(void **state)
{
	struct ledger ledger = open_ledger(state);
	const time_t issued = 1800000000;
	const struct grant grant = { .issued = issued, .expires = issued + 60 };
	char detail[PROBLEM_DETAIL_SIZE];

	assert_int_equal(skew_remembered(&ledger, issued, 60), 0);
	assert_true(skew_explain(&ledger, GRANT_ISSUED_IN_FUTURE, &grant, issued - 1000, detail));
	assert_non_null(strstr(detail, "1000 seconds or more behind; set it: timedatectl"));
	assert_between(-skew_remembered(&ledger, issued - 1000, 60), 1000, 1005);
	assert_int_equal(skew_remembered(&ledger, issued + 30, 60), 0); /* it was set since */
	assert_true(skew_explain(&ledger, GRANT_EXPIRED, &grant, issued + 1060, detail));
	assert_non_null(strstr(detail, "1000 seconds or more ahead; set it: timedatectl"));
	assert_between(skew_remembered(&ledger, issued + 1060, 60), 995, 1000);
	ledger_close(&ledger);
}

static void a_refusal_for_another_reason_says_nothing_of_the_clock(void **state)
{
	struct ledger ledger = open_ledger(state);
	const struct grant grant = { .issued = 1800000000, .expires = 1800000060 };
	char detail[PROBLEM_DETAIL_SIZE] = "";

	assert_false(skew_explain(&ledger, GRANT_WRONG_USER, &grant, 0, detail));
	assert_string_equal(detail, "");
	assert_int_equal(skew_remembered(&ledger, 0, 60), 0);
	ledger_close(&ledger);
}

/* What tmpfiles.d leaves in one directory, so many seconds ago by the wall clock */
static void make_created_in(int folder, time_t seconds_ago)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { 0 } };
	int fd = openat(folder, LEDGER_CREATED, O_CREAT | O_WRONLY, 0600);

	clock_gettime(CLOCK_REALTIME, &times[1]);
	times[1].tv_sec -= seconds_ago;
	assert_int_equal(futimens(fd, times), 0);
	close(fd);
}

static void make_created(const struct ledger *ledger, time_t seconds_ago)
{
	make_created_in(ledger->used, seconds_ago);
	make_created_in(ledger->bound, seconds_ago);
}

static void remove_made(const struct ledger *ledger)
{
	assert_int_equal(unlinkat(ledger->used, LEDGER_MADE, 0), 0);
	assert_int_equal(unlinkat(ledger->bound, LEDGER_MADE, 0), 0);
}

static int64_t when_made(const struct ledger *ledger)
{
	int64_t made;

	assert_true(ledger_made(ledger, &made));
	return made;
}

static void a_ledger_that_does_not_say_when_it_was_made_is_new(void **state)
{
	struct ledger ledger = open_ledger(state);
	const int64_t before = clock_boottime_ns();
	const int64_t made = when_made(&ledger);

	assert_between(made, before, clock_boottime_ns());
	assert_true(when_made(&ledger) == made);
	ledger_close(&ledger);
	ledger = open_ledger(state);
	assert_true(when_made(&ledger) == made);
	ledger_sweep(&ledger);
	assert_true(when_made(&ledger) == made);
	ledger_close(&ledger);
}

/* Either kind of marks: each keeps keys from being used again. */
static void a_ledger_whose_marks_were_removed_is_a_new_one(void **state)
{
	static const char *const names[] = { "used", "bound" };
	struct ledger ledger = open_ledger(state);
	int64_t made, between;

	make_created(&ledger, 1);
	made = when_made(&ledger);
	for (int i = 0; i < 2; i++) {
		const int folder = i == 0 ? ledger.used : ledger.bound;

		assert_int_equal(unlinkat(folder, LEDGER_CREATED, 0), 0);
		assert_true(when_made(&ledger) == made);
		assert_int_equal(unlinkat(folder, LEDGER_MADE, 0), 0);
		assert_int_equal(unlinkat(ledger.directory, names[i], AT_REMOVEDIR), 0);
		ledger_close(&ledger);
		between = clock_boottime_ns();
		ledger = open_ledger(state);
		made = when_made(&ledger);
		assert_between(made, between, clock_boottime_ns());
	}
	ledger_close(&ledger);
}

static void a_ledger_that_tmpfiles_made_is_as_old_as_that(void **state)
{
	struct ledger ledger = open_ledger(state);
	const int64_t two_seconds = 2 * (int64_t)CLOCK_NS_PER_SECOND;
	int64_t before = clock_boottime_ns(), made;

	make_created(&ledger, 2);
	made = when_made(&ledger);
	assert_between(made, before - two_seconds, clock_boottime_ns() - two_seconds);
	/* What the wall clock says later moves it no more. */
	make_created(&ledger, 0);
	assert_true(when_made(&ledger) == made);
	/* By a clock that was set ahead: no older than the kernel */
	remove_made(&ledger);
	make_created(&ledger, 2 * (clock_boottime() + 1));
	assert_true(when_made(&ledger) == 1);
	assert_true(when_made(&ledger) == 1);
	/* By one that was set back: no younger than now */
	remove_made(&ledger);
	make_created(&ledger, -1000);
	before = clock_boottime_ns();
	made = when_made(&ledger);
	assert_between(made, before, clock_boottime_ns());
	assert_true(when_made(&ledger) == made);
	ledger_close(&ledger);
}

static void a_stamp_from_another_boot_is_replaced(void **state)
{
	struct ledger ledger = open_ledger(state);
	const struct timespec ahead = { .tv_sec = clock_boottime() + 1000 };
	const struct timespec times[2] = { ahead, ahead };
	const int64_t before = clock_boottime_ns();
	int64_t made = when_made(&ledger);

	assert_int_equal(utimensat(ledger.used, LEDGER_MADE, times, 0), 0);
	made = when_made(&ledger);
	assert_between(made, before, clock_boottime_ns());
	assert_true(when_made(&ledger) == made);
	ledger_close(&ledger);
}

static int made_racer(struct ledger *ledger, int number)
{
	struct stat used, bound;
	const struct stat *later = &used;
	int64_t made;

	(void)number;
	if (!ledger_made(ledger, &made) || fstatat(ledger->used, LEDGER_MADE, &used, 0) != 0 ||
	    fstatat(ledger->bound, LEDGER_MADE, &bound, 0) != 0)
		return 1;
	if (clock_nanoseconds(&bound.st_mtim) > clock_nanoseconds(&used.st_mtim))
		later = &bound;
	return clock_nanoseconds(&later->st_mtim) == made ? 0 : 1;
}

static void however_many_are_the_first_they_agree_when_it_was_made(void **state)
{
	for (int round = 0; round < ROUNDS; round++) {
		struct ledger ledger = open_ledger(state);

		assert_int_equal(race(&ledger, made_racer), RACERS);
		assert_int_equal(count(ledger.used), 1); /* nothing else is left there */
		assert_int_equal(count(ledger.bound), 1);
		ledger_close(&ledger);
		end_ledger(state);
		make_ledger(state);
	}
}

static void a_ledger_that_cannot_keep_when_it_was_made_says_so(void **state)
{
	struct ledger ledger = open_ledger(state);
	int64_t made;

	assert_int_equal(unlinkat(ledger.directory, "used", AT_REMOVEDIR), 0);
	assert_false(ledger_made(&ledger, &made));
	assert_int_equal(errno, ENOENT);
	ledger_close(&ledger);
}

static void a_grant_from_before_the_ledger_is_told_from_a_later_one(void **state)
{
	const int64_t tenth = CLOCK_NS_PER_SECOND / 10, start = 1800000000;

	(void)state;
	/* The tenth of a second after `start` in which each of these is; boot time began there. */
	for (int made = 0; made < 40; made++)
		for (int issued = 0; issued < made + 60; issued++)
			for (int asked = issued; asked < issued + 50; asked++) {
				const time_t iat = start + issued / 10;
				const time_t earliest = ledger_earliest_grant(
					made * tenth, asked * tenth, start + asked / 10);

				if (asked < made)
					continue;
				assert_true(issued >= made || iat < earliest);
				assert_true(issued < made + 30 || iat >= earliest);
			}
	/* The endpoint's answer comes later than it was asked: that makes none older. */
	assert_true(ledger_earliest_grant(0, 10 * tenth, start + 3) > start + 2);
	/* And asked before it was made is as good as just then. */
	assert_true(ledger_earliest_grant(20 * tenth, 10 * tenth, start) == start + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LEDGER_TEST(an_offered_key_is_spent_once),
		cmocka_unit_test(what_a_grant_is_limited_to_is_in_its_offer),
		LEDGER_TEST(the_loser_of_a_race_between_connections_is_refused),
		LEDGER_TEST(a_bound_key_is_for_the_first_connection_only),
		LEDGER_TEST(a_key_is_not_for_one_connection_by_the_module_and_one_by_binding),
		LEDGER_TEST(a_login_that_nothing_was_offered_to_is_not_ours),
		LEDGER_TEST(an_offer_to_an_earlier_process_with_the_same_pid_is_not_ours),
		LEDGER_TEST(a_key_that_was_offered_for_another_user_is_refused),
		LEDGER_TEST(a_session_that_opens_long_after_the_grant_is_refused),
		LEDGER_TEST(an_offer_is_recalled_by_its_connection_until_it_is_used),
		LEDGER_TEST(what_is_recalled_counts_for_the_process_that_recalls_it),
		LEDGER_TEST(an_offer_that_only_the_module_kept_single_is_not_recalled_without_it),
		LEDGER_TEST(an_offer_that_is_over_is_not_recalled),
		LEDGER_TEST(a_key_that_was_granted_twice_is_spent_twice),
		LEDGER_TEST(the_longest_fields_fit),
		LEDGER_TEST(one_connection_has_a_bound_on_its_keys),
		LEDGER_TEST(however_many_race_exactly_one_spends),
		LEDGER_TEST(of_the_module_and_a_binding_at_most_one_gets_the_key),
		LEDGER_TEST(the_sweep_takes_marks_that_no_login_can_meet),
		LEDGER_TEST(the_sweep_takes_an_entry_when_its_process_is_gone_and_not_before),
		LEDGER_TEST(the_sweep_takes_what_a_reused_pid_left),
		LEDGER_TEST(one_sweep_takes_a_bounded_number),
		LEDGER_TEST(while_others_sweep_every_offer_is_recorded),
		LEDGER_TEST(a_ledger_that_others_can_read_or_that_is_missing_is_not_used),
		LEDGER_TEST(a_symbolic_link_leads_nowhere),
		LEDGER_TEST(an_offer_that_cannot_be_read_is_refused),
		LEDGER_TEST(an_offer_whose_deadline_no_clock_reaches_is_refused),
		LEDGER_TEST(a_lock_of_roots_proves_that_the_module_runs),
		LEDGER_TEST(a_stamp_lets_one_through_in_a_period),
		LEDGER_TEST(the_time_that_was_vouched_for_never_goes_back),
		LEDGER_TEST(a_clock_is_off_by_what_the_last_refused_grant_says),
		LEDGER_TEST(a_refusal_for_another_reason_says_nothing_of_the_clock),
		LEDGER_TEST(a_ledger_that_does_not_say_when_it_was_made_is_new),
		LEDGER_TEST(a_ledger_whose_marks_were_removed_is_a_new_one),
		LEDGER_TEST(a_ledger_that_tmpfiles_made_is_as_old_as_that),
		LEDGER_TEST(a_stamp_from_another_boot_is_replaced),
		LEDGER_TEST(however_many_are_the_first_they_agree_when_it_was_made),
		LEDGER_TEST(a_ledger_that_cannot_keep_when_it_was_made_says_so),
		LEDGER_TEST(a_grant_from_before_the_ledger_is_told_from_a_later_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
