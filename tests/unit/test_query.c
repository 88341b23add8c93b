/* SPDX-License-Identifier: Apache-2.0 */
/* The query of a request: its pairs, and its bound. */
#include "unit.h"

#include <string.h>

#include "connectd/api/query.h"

static void a_value_is_found_by_its_whole_name(void **state)
{
	struct query query = { .length = 0 };

	(void)state;
	assert_string_equal(query_value(&query, "user"), "");
	assert_true(query_add(&query, "users=no"));
	assert_true(query_add(&query, "user"));
	assert_string_equal(query_value(&query, "user"), "");
	assert_true(query_add(&query, "user=ana=b"));
	assert_true(query_add(&query, "limit="));
	assert_string_equal(query_value(&query, "user"), "ana=b");
	assert_string_equal(query_value(&query, "limit"), "");
	assert_string_equal(query_value(&query, "use"), "");
	assert_true(query_add(&query, "user=bo"));
	assert_string_equal(query_value(&query, "user"), "bo");
}

static void what_does_not_fit_is_refused_and_the_rest_stays(void **state)
{
	struct query query = { .length = 0 };
	char pair[QUERY_PAIR_SIZE];

	(void)state;
	memset(pair, 'x', sizeof pair);
	memcpy(pair, "a=", 2);
	pair[sizeof pair - 1] = '\0';
	for (size_t i = 0; i < QUERY_SIZE / QUERY_PAIR_SIZE; i++)
		assert_true(query_add(&query, pair));
	assert_false(query_add(&query, ""));
	assert_false(query_add(&query, "user=ana"));
	assert_string_equal(query_value(&query, "user"), "");
	assert_string_equal(query_value(&query, "a"), pair + 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_value_is_found_by_its_whole_name),
		cmocka_unit_test(what_does_not_fit_is_refused_and_the_rest_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
