/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger: one grant is spent once, whoever races, and old entries go away. */
#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "ledger/ledger.h"
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

static const struct connection first = { 100, 1000, true };
static const struct connection second = { 101, 1001, true };
static const struct connection unknown = { 102, 0, false };

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
	return offer;
}

static void an_offered_key_is_spent_once(void **state)
{
	struct ledger ledger = open_ledger(state);
	struct offer offer = offer_for("AAAAAAAAAAAAAAAAAAAAAA"), spent;

	assert_int_equal(ledger_spend(&ledger, KEY_HASH, &first, &spent), LEDGER_NOT_OURS);
	assert_int_equal(ledger_offer(&ledger, KEY_HASH, &offer, &first, false), LEDGER_OFFERED);
	assert_int_equal(ledger_offer(&ledger, KEY_HASH, &offer, &first, false),
			 LEDGER_OFFERED_BEFORE);
	assert_int_equal(ledger_spend(&ledger, KEY_HASH, &first, &spent), LEDGER_SPENT);
	assert_string_equal(spent.jti, offer.jti);
	assert_string_equal(spent.caller, offer.caller);
	assert_string_equal(spent.user, offer.user);
	assert_string_equal(spent.request_id, offer.request_id);
	assert_string_equal(spent.fingerprint, offer.fingerprint);
	assert_int_equal(spent.deadline, offer.deadline);
	assert_int_equal(ledger_spend(&ledger, KEY_HASH, &first, &spent), LEDGER_ALREADY_USED);
	assert_string_equal(spent.jti, offer.jti);
	assert_int_equal(ledger_offer(&ledger, KEY_HASH, &offer, &first, false),
			 LEDGER_ALREADY_USED);
	assert_int_equal(ledger_offer(&ledger, KEY_HASH, &offer, &second, false),
			 LEDGER_ALREADY_USED);
	ledger_close(&ledger);
}

static void the_loser_of_a_race_between_connections_is_refused(void **state)
{
	struct ledger ledger = open_ledger(state);
	struct offer offer = offer_for("AAAAAAAAAAAAAAAAAAAAAA"), spent;

	assert_int_equal(ledger_offer(&ledger, KEY_HASH, &offer, &first, false), LEDGER_OFFERED);
	assert_int_equal(ledger_offer(&ledger, KEY_HASH, &offer, &second, false), LEDGER_OFFERED);
	assert_int_equal(ledger_spend(&ledger, KEY_HASH, &second, &spent), LEDGER_SPENT);
	assert_int_equal(ledger_spend(&ledger, KEY_HASH, &first, &spent), LEDGER_ALREADY_USED);
	ledger_close(&ledger);
}

static void a_bound_offer_is_for_the_first_connection_only(void **state)
{
	struct ledger ledger = open_ledger(state);
	struct connection same_pid_later = { first.pid, first.start + 1, true };
	struct offer offer = offer_for("AAAAAAAAAAAAAAAAAAAAAA"), spent;

	assert_int_equal(ledger_offer(&ledger, KEY_HASH, &offer, &first, true), LEDGER_OFFERED);
	assert_int_equal(ledger_offer(&ledger, KEY_HASH, &offer, &second, true),
			 LEDGER_ALREADY_USED);
	assert_int_equal(ledger_offer(&ledger, KEY_HASH, &offer, &same_pid_later, true),
			 LEDGER_ALREADY_USED);
	assert_int_equal(ledger_offer(&ledger, KEY_HASH, &offer, &first, true),
			 LEDGER_OFFERED_BEFORE);
	/* The module spends whatever offer it finds, whatever the setting. */
	assert_int_equal(ledger_spend(&ledger, KEY_HASH, &first, &spent), LEDGER_SPENT);
	ledger_close(&ledger);
}

static void a_login_that_nothing_was_offered_to_is_not_ours(void **state)
{
	struct ledger ledger = open_ledger(state);
	struct offer offer = offer_for("AAAAAAAAAAAAAAAAAAAAAA"), spent;

	/* The same key, but this connection got in by authorized_keys. */
	assert_int_equal(ledger_offer(&ledger, KEY_HASH, &offer, &first, false), LEDGER_OFFERED);
	assert_int_equal(ledger_spend(&ledger, KEY_HASH, &second, &spent), LEDGER_NOT_OURS);
	ledger_close(&ledger);
}

static void an_offer_is_recalled_by_its_connection_until_it_is_used(void **state)
{
	struct ledger ledger = open_ledger(state);
	const struct connection same_pid_later = { first.pid, first.start + 1, true };
	struct offer offer = offer_for("AAAAAAAAAAAAAAAAAAAAAA"), recalled, spent;

	assert_false(ledger_recall(&ledger, KEY_HASH, offer.user, &first, &recalled));
	assert_int_equal(ledger_offer(&ledger, KEY_HASH, &offer, &first, true), LEDGER_OFFERED);
	assert_true(ledger_recall(&ledger, KEY_HASH, offer.user, &first, &recalled));
	assert_string_equal(recalled.line, offer.line);
	assert_string_equal(recalled.jti, offer.jti);
	assert_false(ledger_recall(&ledger, KEY_HASH, offer.user, &second, &recalled));
	assert_false(ledger_recall(&ledger, KEY_HASH, offer.user, &same_pid_later, &recalled));
	assert_false(ledger_recall(&ledger, KEY_HASH, "root", &first, &recalled));
	assert_int_equal(ledger_spend(&ledger, KEY_HASH, &first, &spent), LEDGER_SPENT);
	assert_false(ledger_recall(&ledger, KEY_HASH, offer.user, &first, &recalled));
	ledger_close(&ledger);
}

static void an_offer_that_is_over_is_not_recalled(void **state)
{
	struct ledger ledger = open_ledger(state);
	struct offer over = offer_for("AAAAAAAAAAAAAAAAAAAAAA"),
		     later = offer_for("BBBBBBBBBBBBBBBBBBBBBB"), recalled;

	over.deadline = clock_boottime();
	assert_int_equal(ledger_offer(&ledger, KEY_HASH, &over, &first, true), LEDGER_OFFERED);
	assert_false(ledger_recall(&ledger, KEY_HASH, over.user, &first, &recalled));
	assert_int_equal(ledger_offer(&ledger, KEY_HASH, &later, &first, true), LEDGER_OFFERED);
	assert_true(ledger_recall(&ledger, KEY_HASH, over.user, &first, &recalled));
	assert_string_equal(recalled.jti, later.jti);
	ledger_close(&ledger);
}

static void an_offer_to_an_unknown_connection_is_not_recalled(void **state)
{
	struct ledger ledger = open_ledger(state);
	struct offer offer = offer_for("AAAAAAAAAAAAAAAAAAAAAA"), recalled;

	assert_int_equal(ledger_offer(&ledger, KEY_HASH, &offer, &unknown, false), LEDGER_OFFERED);
	assert_false(ledger_recall(&ledger, KEY_HASH, offer.user, &unknown, &recalled));
	ledger_close(&ledger);
}

static void an_offer_to_an_unknown_connection_is_spent_by_any(void **state)
{
	struct ledger ledger = open_ledger(state);
	struct offer offer = offer_for("AAAAAAAAAAAAAAAAAAAAAA"), spent;

	assert_int_equal(ledger_offer(&ledger, KEY_HASH, &offer, &unknown, false), LEDGER_OFFERED);
	assert_int_equal(ledger_spend(&ledger, KEY_HASH, &second, &spent), LEDGER_SPENT);
	assert_int_equal(ledger_spend(&ledger, KEY_HASH, &first, &spent), LEDGER_ALREADY_USED);
	ledger_close(&ledger);
}

static void an_old_offer_to_an_unknown_connection_locks_nobody_out(void **state)
{
	struct ledger ledger = open_ledger(state);
	struct offer offer = offer_for("AAAAAAAAAAAAAAAAAAAAAA"), spent;

	offer.deadline = clock_boottime() - LEDGER_UNKNOWN_SECONDS - 1;
	assert_int_equal(ledger_offer(&ledger, KEY_HASH, &offer, &unknown, false), LEDGER_OFFERED);
	assert_int_equal(ledger_spend(&ledger, KEY_HASH, &second, &spent), LEDGER_SPENT);
	assert_int_equal(ledger_spend(&ledger, KEY_HASH, &first, &spent), LEDGER_NOT_OURS);
	ledger_close(&ledger);
}

static void a_key_that_was_granted_twice_is_spent_twice(void **state)
{
	struct ledger ledger = open_ledger(state);
	struct offer one = offer_for("AAAAAAAAAAAAAAAAAAAAAA"),
		     two = offer_for("BBBBBBBBBBBBBBBBBBBBBB"), spent;

	assert_int_equal(ledger_offer(&ledger, KEY_HASH, &one, &first, false), LEDGER_OFFERED);
	assert_int_equal(ledger_spend(&ledger, KEY_HASH, &first, &spent), LEDGER_SPENT);
	assert_int_equal(ledger_offer(&ledger, KEY_HASH, &two, &second, false), LEDGER_OFFERED);
	assert_int_equal(ledger_spend(&ledger, KEY_HASH, &second, &spent), LEDGER_SPENT);
	assert_string_equal(spent.jti, two.jti);
	assert_int_equal(ledger_spend(&ledger, KEY_HASH, &second, &spent), LEDGER_ALREADY_USED);
	ledger_close(&ledger);
}

static void one_offer_has_a_bound_on_its_connections(void **state)
{
	struct ledger ledger = open_ledger(state);
	struct offer offer = offer_for("AAAAAAAAAAAAAAAAAAAAAA"), spent;
	struct connection connection = { 1, UINT64_MAX, true };

	memset(offer.caller, 'c', sizeof offer.caller - 1);
	memset(offer.request_id, 'r', sizeof offer.request_id - 1);
	memset(offer.jti, 'j', sizeof offer.jti - 1);
	memset(offer.user, 'u', sizeof offer.user - 1);
	memset(offer.line, 'l', sizeof offer.line - 1);
	for (int i = 0; i < OFFER_CONNECTIONS_MAX; i++) {
		connection.pid = INT32_MAX - i;
		assert_int_equal(ledger_offer(&ledger, KEY_HASH, &offer, &connection, false),
				 LEDGER_OFFERED);
	}
	assert_int_equal(ledger_spend(&ledger, KEY_HASH, &connection, &spent), LEDGER_SPENT);
	assert_string_equal(spent.caller, offer.caller);
	ledger_close(&ledger);
	end_ledger(state);
	make_ledger(state);
	ledger = open_ledger(state);
	for (int i = 0; i < OFFER_CONNECTIONS_MAX; i++) {
		connection.pid = 1 + i;
		ledger_offer(&ledger, KEY_HASH, &offer, &connection, false);
	}
	assert_int_equal(ledger_offer(&ledger, KEY_HASH, &offer, &connection, false),
			 LEDGER_OFFERED_BEFORE);
	connection.pid = 5000;
	assert_int_equal(ledger_offer(&ledger, KEY_HASH, &offer, &connection, false),
			 LEDGER_UNAVAILABLE);
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
	struct offer spent;

	(void)number;
	return ledger_spend(ledger, KEY_HASH, &first, &spent) == LEDGER_SPENT ? 0 : 1;
}

static int bind_racer(struct ledger *ledger, int number)
{
	struct offer offer = offer_for("BBBBBBBBBBBBBBBBBBBBBB");
	struct connection connection = { 1 + number, 7, true };

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

static unsigned int count_keys(void **state)
{
	char path[4096];
	const struct dirent *entry;
	unsigned int count = 0;
	DIR *stream;

	snprintf(path, sizeof path, "%s/keys", (const char *)*state);
	stream = opendir(path);
	while ((entry = readdir(stream)) != NULL)
		count += entry->d_name[0] != '.';
	closedir(stream);
	return count;
}

static void old_entries_go_away_and_young_ones_stay(void **state)
{
	struct ledger ledger = open_ledger(state);
	struct offer old = offer_for("AAAAAAAAAAAAAAAAAAAAAA"),
		     young = offer_for("BBBBBBBBBBBBBBBBBBBBBB"), spent;
	char hash[DIGEST_HEX_SIZE];
	int path;

	old.deadline = clock_boottime() - LEDGER_RETENTION_SECONDS - 1;
	young.deadline = clock_boottime() - LEDGER_RETENTION_SECONDS + 5;
	for (int i = 0; i < 100; i++) {
		digest_hex(&i, sizeof i, hash);
		assert_int_equal(ledger_offer(&ledger, hash, &old, &first, false), LEDGER_OFFERED);
		if (i % 2 == 0)
			assert_int_equal(ledger_spend(&ledger, hash, &first, &spent), LEDGER_SPENT);
	}
	assert_int_equal(ledger_offer(&ledger, KEY_HASH, &young, &first, false), LEDGER_OFFERED);
	assert_int_equal(ledger_spend(&ledger, KEY_HASH, &first, &spent), LEDGER_SPENT);
	/* What a killed process leaves */
	path = openat(ledger.keys, hash, O_DIRECTORY | O_RDONLY);
	close(openat(path, "leftover.1.new", O_CREAT | O_WRONLY, 0600));
	close(path);
	/* Each run looks at LEDGER_SWEEP_MAX keys from a random place on; this many miss none. */
	for (int i = 0; i < 2000 && count_keys(state) > 1; i++)
		ledger_sweep(&ledger);
	assert_int_equal(count_keys(state), 1);
	assert_int_equal(ledger_spend(&ledger, KEY_HASH, &first, &spent), LEDGER_ALREADY_USED);
	ledger_close(&ledger);
}

static void one_sweep_looks_at_a_bounded_number_of_keys(void **state)
{
	struct ledger ledger = open_ledger(state);
	struct offer old = offer_for("AAAAAAAAAAAAAAAAAAAAAA");
	char hash[DIGEST_HEX_SIZE];

	old.deadline = clock_boottime() - LEDGER_RETENTION_SECONDS - 1;
	for (int i = 0; i < 3 * LEDGER_SWEEP_MAX; i++) {
		digest_hex(&i, sizeof i, hash);
		ledger_offer(&ledger, hash, &old, &first, false);
	}
	ledger_sweep(&ledger);
	assert_true(count_keys(state) >= 2 * LEDGER_SWEEP_MAX);
	ledger_close(&ledger);
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
	struct offer offer = offer_for("AAAAAAAAAAAAAAAAAAAAAA"), spent;
	char *elsewhere = mint_directory();

	assert_int_equal(symlinkat(elsewhere, ledger.keys, KEY_HASH), 0);
	assert_int_equal(ledger_offer(&ledger, KEY_HASH, &offer, &first, false),
			 LEDGER_UNAVAILABLE);
	/* Something with this key's name is there, and cannot be read: that is no reason to let it
	 * by. */
	assert_int_equal(ledger_spend(&ledger, KEY_HASH, &first, &spent), LEDGER_UNAVAILABLE);
	ledger_close(&ledger);
	mint_remove(elsewhere);
}

static void an_offer_that_cannot_be_read_is_refused_and_kept(void **state)
{
	struct ledger ledger = open_ledger(state);
	struct offer offer = offer_for("AAAAAAAAAAAAAAAAAAAAAA"), spent;
	char name[2 * DIGEST_HEX_SIZE + 16], jti_hash[DIGEST_HEX_SIZE];
	int fd;

	assert_int_equal(ledger_offer(&ledger, KEY_HASH, &offer, &first, false), LEDGER_OFFERED);
	digest_hex(offer.jti, strlen(offer.jti), jti_hash);
	snprintf(name, sizeof name, KEY_HASH "/%s.offered", jti_hash);
	fd = openat(ledger.keys, name, O_WRONLY | O_TRUNC);
	assert_int_equal(write(fd, "from the future\n", 16), 16);
	close(fd);
	assert_int_equal(ledger_spend(&ledger, KEY_HASH, &first, &spent), LEDGER_UNAVAILABLE);
	ledger_sweep(&ledger);
	assert_int_equal(faccessat(ledger.keys, name, F_OK, 0), 0);
	ledger_close(&ledger);
}

static void an_offer_whose_deadline_no_clock_reaches_is_refused_and_kept(void **state)
{
	struct ledger ledger = open_ledger(state);
	struct offer offer = offer_for("AAAAAAAAAAAAAAAAAAAAAA"), spent;

	offer.deadline = INT64_MAX;
	assert_int_equal(ledger_offer(&ledger, KEY_HASH, &offer, &first, false), LEDGER_OFFERED);
	ledger_sweep(&ledger);
	assert_int_equal(ledger_spend(&ledger, KEY_HASH, &first, &spent), LEDGER_UNAVAILABLE);
	assert_int_equal(count_keys(state), 1);
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

/* What tmpfiles.d leaves, so many seconds ago by the wall clock */
static void make_created(const struct ledger *ledger, time_t seconds_ago)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { 0 } };
	int fd = openat(ledger->keys, LEDGER_CREATED, O_CREAT | O_WRONLY, 0600);

	clock_gettime(CLOCK_REALTIME, &times[1]);
	times[1].tv_sec -= seconds_ago;
	assert_int_equal(futimens(fd, times), 0);
	close(fd);
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

static void a_ledger_whose_marks_were_removed_is_a_new_one(void **state)
{
	struct ledger ledger = open_ledger(state);
	int64_t made, between;

	make_created(&ledger, 1);
	made = when_made(&ledger);
	assert_int_equal(unlinkat(ledger.keys, LEDGER_CREATED, 0), 0);
	assert_true(when_made(&ledger) == made);
	assert_int_equal(unlinkat(ledger.keys, LEDGER_MADE, 0), 0);
	assert_int_equal(unlinkat(ledger.directory, "keys", AT_REMOVEDIR), 0);
	ledger_close(&ledger);
	between = clock_boottime_ns();
	ledger = open_ledger(state);
	assert_between(when_made(&ledger), between, clock_boottime_ns());
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
	unlinkat(ledger.keys, LEDGER_MADE, 0);
	make_created(&ledger, 2 * (clock_boottime() + 1));
	assert_true(when_made(&ledger) == 1);
	assert_true(when_made(&ledger) == 1);
	/* By one that was set back: no younger than now */
	unlinkat(ledger.keys, LEDGER_MADE, 0);
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

	assert_int_equal(utimensat(ledger.keys, LEDGER_MADE, times, 0), 0);
	made = when_made(&ledger);
	assert_between(made, before, clock_boottime_ns());
	assert_true(when_made(&ledger) == made);
	ledger_close(&ledger);
}

static int made_racer(struct ledger *ledger, int number)
{
	struct stat status;
	int64_t made;

	(void)number;
	if (!ledger_made(ledger, &made) || fstatat(ledger->keys, LEDGER_MADE, &status, 0) != 0)
		return 1;
	return status.st_mtim.tv_sec == made / CLOCK_NS_PER_SECOND &&
			       status.st_mtim.tv_nsec == made % CLOCK_NS_PER_SECOND
		       ? 0
		       : 1;
}

static void however_many_are_the_first_they_agree_when_it_was_made(void **state)
{
	for (int round = 0; round < ROUNDS; round++) {
		struct ledger ledger = open_ledger(state);

		assert_int_equal(race(&ledger, made_racer), RACERS);
		assert_int_equal(count_keys(state), 1); /* nothing else is left there */
		ledger_close(&ledger);
		end_ledger(state);
		make_ledger(state);
	}
}

static void a_ledger_that_cannot_keep_when_it_was_made_says_so(void **state)
{
	struct ledger ledger = open_ledger(state);
	int64_t made;

	assert_int_equal(unlinkat(ledger.directory, "keys", AT_REMOVEDIR), 0);
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
		LEDGER_TEST(the_loser_of_a_race_between_connections_is_refused),
		LEDGER_TEST(a_bound_offer_is_for_the_first_connection_only),
		LEDGER_TEST(a_login_that_nothing_was_offered_to_is_not_ours),
		LEDGER_TEST(an_offer_is_recalled_by_its_connection_until_it_is_used),
		LEDGER_TEST(an_offer_that_is_over_is_not_recalled),
		LEDGER_TEST(an_offer_to_an_unknown_connection_is_not_recalled),
		LEDGER_TEST(an_offer_to_an_unknown_connection_is_spent_by_any),
		LEDGER_TEST(an_old_offer_to_an_unknown_connection_locks_nobody_out),
		LEDGER_TEST(a_key_that_was_granted_twice_is_spent_twice),
		LEDGER_TEST(one_offer_has_a_bound_on_its_connections),
		LEDGER_TEST(however_many_race_exactly_one_spends),
		LEDGER_TEST(old_entries_go_away_and_young_ones_stay),
		LEDGER_TEST(one_sweep_looks_at_a_bounded_number_of_keys),
		LEDGER_TEST(a_ledger_that_others_can_read_or_that_is_missing_is_not_used),
		LEDGER_TEST(a_symbolic_link_leads_nowhere),
		LEDGER_TEST(an_offer_that_cannot_be_read_is_refused_and_kept),
		LEDGER_TEST(an_offer_whose_deadline_no_clock_reaches_is_refused_and_kept),
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
