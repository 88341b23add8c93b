/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses and networks: what is one, how it is written, and what is in it. */
#include "unit.h"

#include "base/network.h"

static void a_network_is_written_in_its_standard_form(void **state)
{
	static const struct {
		const char *text, *printed, *bare;
	} good[] = {
		{ "192.0.2.1", "192.0.2.1/32", "192.0.2.1" },
		{ "192.0.2.0/24", "192.0.2.0/24", "192.0.2.0/24" },
		{ "0.0.0.0/0", "0.0.0.0/0", "0.0.0.0/0" },
		{ "2001:DB8:0::1", "2001:db8::1/128", "2001:db8::1" },
		{ "2001:db8::/32", "2001:db8::/32", "2001:db8::/32" },
		{ "::/0", "::/0", "::/0" },
	};
	char text[NETWORK_TEXT_SIZE];
	struct network network;

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		assert_true(network_parse(good[i].text, &network));
		network_print(&network, false, text);
		assert_string_equal(text, good[i].printed);
		network_print(&network, true, text);
		assert_string_equal(text, good[i].bare);
		snprintf(text, sizeof text, "%s", good[i].text);
		assert_true(network_canonical(text, true, text));
		assert_string_equal(text, good[i].bare);
	}
}

static void what_is_no_network_is_refused(void **state)
{
	static const char *const bad[] = { "",
					   "/",
					   "/8",
					   "10.0.0.0/",
					   "10.0.0.0/33",
					   "10.0.0.0/08",
					   "10.0.0.0/+8",
					   "10.0.0.0/8 ",
					   "10.0.0.1/8",
					   "10.0.0/8",
					   "010.0.0.1",
					   "2001:db8::1/32",
					   "2001:db8::/129",
					   "::ffff:1.2.3.4.5",
					   "localhost",
					   "10.0.0.0/1111111111" };
	struct network network;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (network_parse(bad[i], &network))
			fail_msg("%s was taken for a network", bad[i]);
}

static void a_network_contains_what_begins_with_its_prefix(void **state)
{
	static const struct {
		const char *outer, *inner;
		bool contains;
	} table[] = {
		{ "10.0.0.0/8", "10.255.0.1", true },
		{ "10.0.0.0/8", "11.0.0.1", false },
		{ "10.0.0.0/8", "10.0.0.0/7", false },
		{ "10.0.0.0/8", "10.1.0.0/16", true },
		{ "0.0.0.0/0", "192.0.2.1", true },
		{ "0.0.0.0/0", "::1", false },
		{ "192.0.2.1", "192.0.2.1", true },
		{ "192.0.2.1", "192.0.2.0", false },
		{ "192.0.2.128/25", "192.0.2.127", false },
		{ "2001:db8::/33", "2001:db8:8000::", false },
	};
	struct network outer, inner;

	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		/* 10.0.0.0/7 has a bit after its prefix unset: it is a network. */
		assert_true(network_parse(table[i].outer, &outer));
		assert_true(network_parse(table[i].inner, &inner));
		assert_int_equal(network_contains(&outer, &inner), table[i].contains);
	}
}

static void loopback_is_127_and_one_address_of_ipv6(void **state)
{
	static const char *const good[] = { "127.0.0.1", "127.255.255.255", "::1", "0:0::0:1" };
	static const char *const bad[] = { "",           "128.0.0.1",   "126.0.0.1",
					   "::",         "::2",         "127.0.0.1.evil",
					   "localhost",  "1.127.0.0.1", "2001:db8::1",
					   "127.0.0.0/7" };

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		assert_true(network_is_loopback(good[i]));
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(network_is_loopback(bad[i]));
}

static void a_client_is_an_address_perhaps_with_its_interface(void **state)
{
	static const char *const good[] = { "192.0.2.1", "::1", "2001:db8::7", "fe80::1%eth0.7",
					    "fe80::1%2" };
	static const char *const bad[] = {
		"",
		"UNKNOWN",
		"vm.example",
		"192.0.2.1 ",
		" 192.0.2.1",
		"192.0.2.0/24",
		"192.0.2.1%eth0",
		"fe80::1%",
		"fe80::1%a b",
		"fe80::1%\033",
		"fe80::1\n",
		"2001:db8::7%aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	};

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		assert_true(network_is_client(good[i]));
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(network_is_client(bad[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_network_is_written_in_its_standard_form),
		cmocka_unit_test(what_is_no_network_is_refused),
		cmocka_unit_test(a_network_contains_what_begins_with_its_prefix),
		cmocka_unit_test(loopback_is_127_and_one_address_of_ipv6),
		cmocka_unit_test(a_client_is_an_address_perhaps_with_its_interface),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
