/* SPDX-License-Identifier: Apache-2.0 */
/* What the agent and the module read on the guest: agent.conf and SSH_AUTH_INFO_0. */
#include "unit.h"

#include <sys/stat.h>
#include <unistd.h>

#include "agent/config/config.h"
#include "fetch/endpoint.h"
#include "agent/provider/provider.h"
#include "agent/config/instance_id.h"
#include "base/process.h"
#include "mint.h"
#include "pam/auth_info.h"

#define KEY_LINE                                                                                   \
	"publickey ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"

static bool load(const char *text, struct config *config, char *detail)
{
	char *directory = mint_directory();
	char path[4096];
	bool good;

	mint_write_text(directory, "agent.conf", text);
	snprintf(path, sizeof path, "%s/agent.conf", directory);
	detail[0] = '\0';
	good = config_load(config, path, detail);
	mint_remove(directory);
	return good;
}

static void a_missing_file_means_the_defaults(void **state)
{
	char detail[PROBLEM_DETAIL_SIZE];
	struct config config;

	(void)state;
	assert_true(config_load(&config, "/nonexistent/agent.conf", detail));
	assert_string_equal(config.metadata_url, "http://169.254.169.254");
	assert_string_equal(config.instance_id, "auto");
	assert_int_equal(config.max_key_lifetime, 60);
	assert_int_equal(config.clock_skew, 5);
	assert_int_equal(config.timeout_ms, 2000);
	assert_int_equal(config.single_use, SINGLE_USE_AUTO);
	assert_true(config.signed_time_required);
	assert_true(config.sandbox);
	assert_false(config_denies(&config, "ubuntu"));
	assert_false(config_denies(&config, ""));
}

static void every_setting_is_read(void **state)
{
	char detail[PROBLEM_DETAIL_SIZE];
	struct config config;

	(void)state;
	assert_true(load("# a comment\nmetadata_url = https://[fd00::1]:8080/\nprovider=excloud\n"
			 "instance_id = i-42.a_b\ntrust_dir = /srv/trust\nmax_key_lifetime = 30\n"
			 "clock_skew = 0\ntimeout_ms = 500\nsingle_use = pam ; a comment\n"
			 "deny_users = root, admin\nsigner_name = signer.example\nsandbox = no\n"
			 "signed_time = no\nnext_command = /usr/bin/other \"a b\" %u %f\n",
			 &config, detail));
	assert_string_equal(config.metadata_url, "https://[fd00::1]:8080");
	assert_string_equal(config.instance_id, "i-42.a_b");
	assert_string_equal(config.trust_dir, "/srv/trust");
	assert_string_equal(config.signer_name, "signer.example");
	assert_string_equal(config.next_command, "/usr/bin/other \"a b\" %u %f");
	assert_int_equal(config.max_key_lifetime, 30);
	assert_int_equal(config.clock_skew, 0);
	assert_int_equal(config.timeout_ms, 500);
	assert_int_equal(config.single_use, SINGLE_USE_PAM);
	assert_false(config.signed_time_required);
	assert_false(config.sandbox);
	assert_true(config_denies(&config, "root"));
	assert_true(config_denies(&config, "admin"));
	assert_false(config_denies(&config, "roo"));
	assert_false(config_denies(&config, "roots"));
	assert_true(load("signed_time = required\n", &config, detail));
	assert_true(config.signed_time_required);
}

/* Load agent.conf over operator.conf. */
static bool load_over(const char *operators, const char *text, struct config *config, char *detail)
{
	char *directory = mint_directory();
	char path[4096], operators_path[4096];
	bool good;

	mint_write_text(directory, "operator.conf", operators);
	mint_write_text(directory, "agent.conf", text);
	snprintf(path, sizeof path, "%s/agent.conf", directory);
	snprintf(operators_path, sizeof operators_path, "%s/operator.conf", directory);
	detail[0] = '\0';
	good = config_load_over(config, operators_path, path, detail);
	mint_remove(directory);
	return good;
}

static void the_operators_file_is_read_first_and_the_machines_own_wins(void **state)
{
	char detail[PROBLEM_DETAIL_SIZE];
	struct config config;

	(void)state;
	assert_true(load_over("metadata_url = http://10.0.0.1\nsigner_name = a.example\n",
			      "instance_id = 42\nsigner_name = b.example\n", &config, detail));
	assert_string_equal(config.metadata_url, "http://10.0.0.1");
	assert_string_equal(config.signer_name, "b.example");
	assert_string_equal(config.instance_id, "42");
	assert_true(config_load_over(&config, "/nonexistent/operator.conf",
				     "/nonexistent/agent.conf", detail));
	assert_string_equal(config.metadata_url, "http://169.254.169.254");
}

static void the_operators_file_sets_nothing_of_the_machines_own(void **state)
{
	static const char *const lines[] = { "instance_id = 42\n", "next_command = /bin/true\n",
					     "trust_dir = /tmp\n", "single_use = no\n",
					     "sandbox = no\n",     "signed_time = no\n" };
	char detail[PROBLEM_DETAIL_SIZE];
	struct config config;

	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		assert_false(
			load_over(lines[i], "next_command = /usr/bin/other\n", &config, detail));
		assert_non_null(strstr(detail, "operator.conf line 1: unknown setting"));
		/* The other way in stays open. */
		assert_string_equal(config.next_command, "/usr/bin/other");
		assert_string_equal(config.instance_id, "auto");
	}
	/* It is not EC2's. */
	assert_true(load_over("metadata_url = x\n", "provider = ec2\n", &config, detail));
	assert_true(
		load_over("metadata_url = http://10.0.0.1\n", "provider = ec2\n", &config, detail));
	assert_string_equal(config.metadata_url, "http://169.254.169.254");
	assert_int_equal(config.single_use, SINGLE_USE_NO);
	/* The first file that is wrong is named. */
	assert_false(load_over("metadata_url = x\n", "timeout_ms = x\n", &config, detail));
	assert_non_null(strstr(detail, "operator.conf line 1: metadata_url"));
}

static void separators_are_no_part_of_a_value(void **state)
{
	char detail[PROBLEM_DETAIL_SIZE];
	struct config config;

	(void)state;
	assert_true(load("deny_users =, ,root,, admin,\nmetadata_url = http://a/b///\n", &config,
			 detail));
	assert_true(config_denies(&config, "root"));
	assert_true(config_denies(&config, "admin"));
	assert_false(config_denies(&config, ""));
	assert_string_equal(config.metadata_url, "http://a/b");
}

static void a_provider_has_a_default_of_its_own_for_single_use(void **state)
{
	char detail[PROBLEM_DETAIL_SIZE];
	struct config config;

	(void)state;
	assert_true(load("single_use = auto\nprovider = ec2\n", &config, detail));
	assert_int_equal(config.provider, PROVIDER_EC2);
	assert_int_equal(config.single_use, SINGLE_USE_NO);
	assert_true(load("provider = ec2\nsingle_use = connection\n", &config, detail));
	assert_int_equal(config.single_use, SINGLE_USE_CONNECTION);
	assert_true(load("provider = excloud\n", &config, detail));
	assert_int_equal(config.provider, PROVIDER_EXCLOUD);
	assert_int_equal(config.single_use, SINGLE_USE_AUTO);
	assert_true(load("", &config, detail));
	assert_int_equal(config.provider, PROVIDER_EXCLOUD);
}

static void a_wrong_line_is_named_with_what_was_expected(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "timeout_sm = 1\n", "line 1: unknown setting timeout_sm" },
		{ "\n\ntimeout_ms = fast\n", "line 3: timeout_ms = fast is not 50 to 10000" },
		{ "timeout_ms = 99999\n", "50 to 10000 milliseconds" },
		{ "timeout_ms = -1\n", "50 to 10000 milliseconds" },
		{ "timeout_ms =\n", "50 to 10000 milliseconds" },
		{ "max_key_lifetime = 61\n", "1 to 60 seconds" },
		{ "clock_skew = 1\nclock_skew = 2\n", "line 2: clock_skew is set twice" },
		{ "sandbox = maybe\n", "sandbox = maybe is not yes or no" },
		{ "signed_time = yes\n", "signed_time = yes is not required or no" },
		{ "single_use = maybe\n", "auto, pam, connection or no" },
		{ "metadata_url = ftp://x\n", "http:// or https://" },
		{ "metadata_url = http://user@x\n", "http:// or https://" },
		{ "metadata_url = http://x/?a\n", "http:// or https://" },
		{ "metadata_url = HTTP://x\n", "http:// or https://" },
		{ "metadata_url = http://\n", "http:// or https://" },
		{ "metadata_url = https:///x\n", "http:// or https://" },
		{ "provider = other\n", "provider = other is not excloud or ec2" },
		{ "instance_id = a/b\n", "instance_id" },
		{ "trust_dir = trust.d\n", "a path that starts with a slash" },
		{ "signer_name = Signer Example\n", "a DNS name" },
		{ "next_command = other %u\n", "an absolute path" },
		{ "next_command = /bin/other %C\n", "the tokens %% %f %h %k %t %U %u" },
		{ "[agent]\ntimeout_ms = 100\n",
		  "there are no sections here, but it is in [agent]" },
		{ "timeout_ms 100\n", "line 1: not NAME = VALUE" },
		{ "timeout_ms = 100\n  200\n", "line 2" },
		{ "TIMEOUT_MS = 100\n", "unknown setting TIMEOUT_MS" },
	};
	char detail[PROBLEM_DETAIL_SIZE];
	struct config config;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		if (load(cases[i].text, &config, detail))
			fail_msg("taken: %s", cases[i].text);
		if (strstr(detail, cases[i].says) == NULL)
			fail_msg("%s: says: %s", cases[i].text, detail);
	}
}

static void a_typo_does_not_close_the_way_in_that_was_there_before(void **state)
{
	char detail[PROBLEM_DETAIL_SIZE];
	struct config config;

	(void)state;
	assert_false(load("timeuot_ms = 1\nnext_command = /bin/other %u\n", &config, detail));
	assert_non_null(strstr(detail, "line 1"));
	assert_string_equal(config.next_command, "/bin/other %u");
	assert_false(load("next_command = /bin/other %u\nnext_command = /bin/second\n", &config,
			  detail));
	assert_string_equal(config.next_command, "/bin/other %u");
	assert_non_null(strstr(detail, "line 2: next_command is set twice"));
}

static void a_time_that_is_out_of_its_bounds_is_not_given_to_that_way_in(void **state)
{
	static const char *const wrong[] = { "0", "49", "10001", "999999" };
	char detail[PROBLEM_DETAIL_SIZE], text[128];
	struct config config;

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		snprintf(text, sizeof text, "timeout_ms = %s\nnext_command = /bin/other\n",
			 wrong[i]);
		assert_false(load(text, &config, detail));
		assert_int_equal(config.timeout_ms, 2000);
	}
}

static void a_file_that_others_may_write_is_not_read(void **state)
{
	char *directory = mint_directory();
	char detail[PROBLEM_DETAIL_SIZE] = "", path[4096];
	struct config config;

	(void)state;
	mint_write_text(directory, "agent.conf", "");
	snprintf(path, sizeof path, "%s/agent.conf", directory);
	assert_int_equal(chmod(path, 0666), 0);
	assert_false(config_load(&config, path, detail));
	assert_non_null(strstr(detail, "only root may write"));
	assert_false(config_load(&config, directory, detail));
	mint_remove(directory);
}

static void an_instance_id_is_a_plain_word(void **state)
{
	char id[INSTANCE_ID_SIZE];
	const char *source;

	(void)state;
	assert_true(instance_id_is_valid("42"));
	assert_false(instance_id_is_valid(""));
	assert_false(instance_id_is_valid("a b"));
	assert_false(instance_id_is_valid("../x"));
	assert_false(instance_id_is_valid(
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
	assert_true(instance_find("42", id, &source));
	assert_string_equal(id, "42");
	assert_string_equal(source, "configuration");
}

static unsigned int count_keys(const char *text)
{
	char hash[DIGEST_HEX_SIZE];
	unsigned int count = 0;

	while (auth_info_next_key(&text, hash)) {
		assert_int_equal(strlen(hash), DIGEST_HEX_SIZE - 1);
		count++;
	}
	assert_string_equal(text, "");
	return count;
}

static void plain_public_keys_are_found_among_other_methods(void **state)
{
	(void)state;
	assert_int_equal(count_keys(KEY_LINE), 1);
	assert_int_equal(count_keys(KEY_LINE "\n"), 1);
	assert_int_equal(count_keys("password\n" KEY_LINE "\nkeyboard-interactive/pam\n"), 1);
	assert_int_equal(count_keys(KEY_LINE "\n" KEY_LINE "\n"), 2);
	assert_int_equal(count_keys(""), 0);
	assert_int_equal(count_keys("\n\n\n"), 0);
	assert_int_equal(count_keys("password\n"), 0);
	assert_int_equal(count_keys("publickey\n"), 0);
	assert_int_equal(count_keys("publickey ssh-ed25519\n"), 0);
	assert_int_equal(count_keys("publickey ssh-ed25519 \n"), 0);
	assert_int_equal(count_keys("publickey ssh-ed25519 not*base64\n"), 0);
	assert_int_equal(count_keys("hostbased" KEY_LINE "\n"), 0);
}

static void words_behind_a_key_do_not_hide_it(void **state)
{
	static const char *const texts[] = {
		KEY_LINE " CA=ssh-ed25519 SHA256:x\n",
		KEY_LINE " comment",
		KEY_LINE " \n",
		KEY_LINE " not*base64 AAAA\n",
	};
	char expected[DIGEST_HEX_SIZE], hash[DIGEST_HEX_SIZE];
	const char *cursor = KEY_LINE;

	(void)state;
	assert_true(auth_info_next_key(&cursor, expected));
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		cursor = texts[i];
		assert_true(auth_info_next_key(&cursor, hash));
		assert_string_equal(hash, expected);
		assert_int_equal(count_keys(texts[i]), 1);
	}
}

static void a_process_knows_its_parent_and_start(void **state)
{
	struct process self, parent;

	(void)state;
	assert_true(process_read(getpid(), &self));
	assert_int_equal(self.pid, getpid());
	assert_int_equal(self.parent, getppid());
	assert_true(self.start > 0);
	assert_true(process_read(getppid(), &parent));
	assert_true(parent.start <= self.start);
	assert_false(process_read(0x7ffffffe, &parent));
}

static void a_url_says_where_the_endpoint_is(void **state)
{
	static const struct {
		const char *url, *host;
		uint16_t port;
		bool https, named;
	} cases[] = {
		{ "http://169.254.169.254", "169.254.169.254", 80, false, false },
		{ "https://[fd00:ec2::254]", "fd00:ec2::254", 443, true, false },
		{ "http://[::1]:8080/a/b:9", "::1", 8080, false, false },
		{ "http://a:8/b", "a", 8, false, true },
		{ "https://metadata.test:444", "metadata.test", 444, true, true },
		/* No address, although it looks like one */
		{ "http://999.1.1.1", "999.1.1.1", 80, false, true },
	};
	static const char *const none[] = { "http://:80",
					    "http://[::1",
					    "http://a:b",
					    "http://a:65536",
					    "http://a|b",
					    "http://a:",
					    "http://a:0",
					    "http://[a]",
					    "http://[::1]8",
					    "ftp://a",
					    "" };
	struct endpoint endpoint;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_true(endpoint_from_url(cases[i].url, &endpoint));
		assert_string_equal(endpoint.host, cases[i].host);
		assert_int_equal(endpoint.port, cases[i].port);
		assert_int_equal(endpoint.https, cases[i].https);
		assert_int_equal(endpoint.named, cases[i].named);
	}
	for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
		assert_false(endpoint_from_url(none[i], &endpoint));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_missing_file_means_the_defaults),
		cmocka_unit_test(every_setting_is_read),
		cmocka_unit_test(the_operators_file_is_read_first_and_the_machines_own_wins),
		cmocka_unit_test(the_operators_file_sets_nothing_of_the_machines_own),
		cmocka_unit_test(separators_are_no_part_of_a_value),
		cmocka_unit_test(a_provider_has_a_default_of_its_own_for_single_use),
		cmocka_unit_test(a_wrong_line_is_named_with_what_was_expected),
		cmocka_unit_test(a_typo_does_not_close_the_way_in_that_was_there_before),
		cmocka_unit_test(a_time_that_is_out_of_its_bounds_is_not_given_to_that_way_in),
		cmocka_unit_test(a_file_that_others_may_write_is_not_read),
		cmocka_unit_test(a_url_says_where_the_endpoint_is),
		cmocka_unit_test(an_instance_id_is_a_plain_word),
		cmocka_unit_test(plain_public_keys_are_found_among_other_methods),
		cmocka_unit_test(words_behind_a_key_do_not_hide_it),
		cmocka_unit_test(a_process_knows_its_parent_and_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
