/* SPDX-License-Identifier: Apache-2.0 */
/* How often somebody may ask: a burst, then one at a time. */
#include "unit.h"

#include "connectd/state/rate_limit.h"

static void a_burst_is_let_through_and_then_one_at_a_time(void **state)
{
	struct rate_limiter limiter;

	(void)state;
	assert_true(rate_init(&limiter, 60, 3));
	for (int i = 0; i < 3; i++)
		assert_int_equal(rate_take(&limiter, "ana", 1000), 0);
	assert_int_equal(rate_take(&limiter, "ana", 1000), 1);
	assert_int_equal(rate_take(&limiter, "bo", 1000), 0);
	assert_int_equal(rate_take(&limiter, "ana", 1999), 1);
	assert_int_equal(rate_take(&limiter, "ana", 2000), 0);
	assert_int_equal(rate_take(&limiter, "ana", 2000), 1);
	/* However long it waits, it is let through no more than the burst. */
	for (int i = 0; i < 3; i++)
		assert_int_equal(rate_take(&limiter, "ana", 10000000), 0);
	assert_int_equal(rate_take(&limiter, "ana", 10000000), 1);
	rate_free(&limiter);
}

static void the_wait_that_is_said_is_enough_and_not_much_more(void **state)
{
	struct rate_limiter limiter;
	unsigned int wait;

	(void)state;
	assert_true(rate_init(&limiter, 1, 1));
	assert_int_equal(rate_take(&limiter, "ana", 0), 0);
	wait = rate_take(&limiter, "ana", 15500);
	assert_true(wait >= 45 && wait <= 46);
	assert_int_equal(rate_take(&limiter, "ana", 15500 + 1000 * (int64_t)wait), 0);
	rate_free(&limiter);
}

static void a_clock_that_goes_back_gives_nothing(void **state)
{
	struct rate_limiter limiter;

	(void)state;
	assert_true(rate_init(&limiter, 60, 1));
	assert_int_equal(rate_take(&limiter, "ana", 100000), 0);
	assert_int_equal(rate_take(&limiter, "ana", 0), 1);
	rate_free(&limiter);
}

static void no_limit_is_no_limit(void **state)
{
	struct rate_limiter limiter;

	(void)state;
	assert_true(rate_init(&limiter, 0, 1));
	for (int i = 0; i < 1000; i++)
		assert_int_equal(rate_take(&limiter, "ana", 0), 0);
	rate_free(&limiter);
}

static void strangers_push_out_nobody_who_is_limited(void **state)
{
	struct rate_limiter limiter;
	char name[RATE_NAME_SIZE];

	(void)state;
	assert_true(rate_init(&limiter, 60, 2));
	assert_int_equal(rate_take(&limiter, "ana", 0), 0);
	assert_int_equal(rate_take(&limiter, "ana", 0), 0);
	for (int i = 0; i < 2 * RATE_BUCKETS_MAX; i++) {
		snprintf(name, sizeof name, "stranger%d", i);
		assert_int_equal(rate_take(&limiter, name, 0), 0);
	}
	assert_int_equal(rate_take(&limiter, "ana", 0), 1);
	rate_free(&limiter);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_burst_is_let_through_and_then_one_at_a_time),
		cmocka_unit_test(the_wait_that_is_said_is_enough_and_not_much_more),
		cmocka_unit_test(a_clock_that_goes_back_gives_nothing),
		cmocka_unit_test(no_limit_is_no_limit),
		cmocka_unit_test(strangers_push_out_nobody_who_is_limited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
