/* SPDX-License-Identifier: Apache-2.0 */
/* An answer is kept for the client that asks again. */
#include "unit.h"

#include "connectd/state/idempotency.h"

static void an_answer_is_given_again_until_it_expires(void **state)
{
	struct replay replay;
	char *body;

	(void)state;
	assert_true(replay_init(&replay));
	replay_keep(&replay, "one", "answer", 100);
	body = replay_find(&replay, "one", 99);
	assert_string_equal(body, "answer");
	free(body);
	assert_null(replay_find(&replay, "two", 99));
	assert_null(replay_find(&replay, "one", 100));
	replay_free(&replay);
}

static void the_answer_that_ends_first_makes_room(void **state)
{
	struct replay replay;
	char id[DIGEST_HEX_SIZE];
	char *body;

	(void)state;
	assert_true(replay_init(&replay));
	for (int i = 0; i < REPLAY_MAX; i++) {
		snprintf(id, sizeof id, "%d", i);
		replay_keep(&replay, id, "old", 100 + i);
	}
	replay_keep(&replay, "new", "new", 200);
	assert_null(replay_find(&replay, "0", 50));
	body = replay_find(&replay, "1", 50);
	assert_string_equal(body, "old");
	free(body);
	body = replay_find(&replay, "new", 50);
	assert_string_equal(body, "new");
	free(body);
	replay_free(&replay);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_is_given_again_until_it_expires),
		cmocka_unit_test(the_answer_that_ends_first_makes_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
