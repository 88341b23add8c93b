/* SPDX-License-Identifier: Apache-2.0 */
/* exc without a network: options, endpoints, credentials, known_hosts, command lines, console keys.
 */
#include "unit.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/api/credentials.h"
#include "cli/terminal/console_escape.h"
#include "cli/ssh/known_hosts.h"
#include "base/memory_file.h"
#include "cli/terminal/options.h"
#include "cli/terminal/say.h"
#include "cli/ssh/ssh_command.h"
#include "mint.h"
#include "base/number.h"

struct parsed {
	const char *vm_id;
	const char *user;
	bool dry_run;
	char **rest;
	char why[SAY_SIZE];
};

/* The arguments are separated by spaces. */
static enum options_result parse(const char *line, bool with_rest, struct parsed *parsed)
{
	static char text[256];
	static char *argv[16];
	const struct option list[] = {
		{ "vm-id", "ID", "", &parsed->vm_id, NULL },
		{ "user", "NAME", "", &parsed->user, NULL },
		{ "dry-run", NULL, "", NULL, &parsed->dry_run },
	};
	const struct options options = {
		.command = "test", .rest = with_rest ? "MORE" : NULL, .list = list, .count = 3
	};
	int argc = 0;

	memset(parsed, 0, sizeof *parsed);
	snprintf(text, sizeof text, "%s", line);
	for (char *word = strtok(text, " "); word != NULL; word = strtok(NULL, " "))
		argv[argc++] = word;
	argv[argc] = NULL;
	return options_parse(&options, argc, argv, &parsed->rest, parsed->why, sizeof parsed->why);
}

static void options_are_the_same_with_dash_and_underscore(void **state)
{
	static const char *const spellings[] = { "--vm-id 42 --dry-run", "--vm_id 42 --dry_run",
						 "--vm-id=42 --dry_run", "--dry-run --vm_id=42" };
	struct parsed parsed;

	(void)state;
	for (size_t i = 0; i < sizeof spellings / sizeof spellings[0]; i++) {
		assert_int_equal(parse(spellings[i], false, &parsed), OPTIONS_GOOD);
		assert_string_equal(parsed.vm_id, "42");
		assert_true(parsed.dry_run);
		assert_null(parsed.user);
		assert_null(parsed.rest[0]);
	}
}

static void values_keep_what_looks_like_an_option(void **state)
{
	struct parsed parsed;

	(void)state;
	assert_int_equal(parse("--user --vm_id --vm-id=a_b=c", false, &parsed), OPTIONS_GOOD);
	assert_string_equal(parsed.user, "--vm_id");
	assert_string_equal(parsed.vm_id, "a_b=c");
}

static void what_comes_after_two_dashes_is_left_alone(void **state)
{
	struct parsed parsed;

	(void)state;
	assert_int_equal(parse("--vm-id 42 -- -L --help", true, &parsed), OPTIONS_GOOD);
	assert_string_equal(parsed.rest[0], "-L");
	assert_string_equal(parsed.rest[1], "--help");
	assert_null(parsed.rest[2]);
	assert_int_equal(parse("--vm-id 42 -- x", false, &parsed), OPTIONS_WRONG);
}

static void help_counts_wherever_it_stands(void **state)
{
	struct parsed parsed;

	(void)state;
	assert_int_equal(parse("-h", false, &parsed), OPTIONS_HELP);
	assert_int_equal(parse("--vm-id 42 --help", false, &parsed), OPTIONS_HELP);
}

static void wrong_options_are_named(void **state)
{
	static const struct {
		const char *line, *says;
	} cases[] = {
		{ "--vmid 42", "unknown option --vmid" },
		{ "--vm", "unknown option --vm" },
		{ "42", "unexpected argument \"42\"" },
		{ "-v", "unknown option -v" },
		{ "--vm-id", "--vm-id needs a value: ID" },
		{ "--dry-run=yes", "--dry-run takes no value" },
		{ "--=x", "unknown option --=x" },
	};
	struct parsed parsed;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_int_equal(parse(cases[i].line, false, &parsed), OPTIONS_WRONG);
		assert_string_equal(parsed.why, cases[i].says);
	}
}

static void numbers_have_bounds(void **state)
{
	unsigned int number;

	(void)state;
	assert_true(number_parse("7", 1, 100, &number));
	assert_int_equal(number, 7);
	assert_false(number_parse("0", 1, 100, &number));
	assert_false(number_parse("101", 1, 100, &number));
	assert_false(number_parse("", 0, 100, &number));
	assert_false(number_parse("-1", 0, 100, &number));
	assert_false(number_parse("1 ", 0, 100, &number));
	assert_false(number_parse("4294967297", 0, 100, &number));
}

static void endpoints_are_taken_apart(void **state)
{
	static const struct {
		const char *text, *url, *host, *prefix;
		unsigned int port;
		bool loopback;
	} cases[] = {
		{ "https://compute.excloud.in", "https://compute.excloud.in", "compute.excloud.in",
		  "", 443, false },
		{ "https://c.example:8443/", "https://c.example:8443", "c.example", "", 8443,
		  false },
		{ "https://[2001:db8::1]:1/a/b", "https://[2001:db8::1]:1/a/b", "2001:db8::1",
		  "/a/b", 1, false },
		{ "http://127.0.0.1:8443", "http://127.0.0.1:8443", "127.0.0.1", "", 8443, true },
		{ "http://127.9.9.9", "http://127.9.9.9", "127.9.9.9", "", 80, true },
		{ "http://[::1]", "http://[::1]", "::1", "", 80, true },
		{ "http://localhost", "http://localhost", "localhost", "", 80, true },
		{ "HTTPS://Host.Example:443/", "https://host.example", "host.example", "", 443,
		  false },
		{ "https://host:80//", "https://host:80", "host", "", 80, false },
		{ "http://127.0.0.1:80/A/", "http://127.0.0.1/A", "127.0.0.1", "/A", 80, true },
		{ "https://[2001:DB8:0:0::1]:0443", "https://[2001:db8::1]", "2001:db8::1", "", 443,
		  false },
	};
	struct endpoint endpoint;
	char why[SAY_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_true(endpoint_parse(cases[i].text, &endpoint, why, sizeof why));
		assert_string_equal(endpoint.url, cases[i].url);
		assert_string_equal(endpoint.host, cases[i].host);
		assert_string_equal(endpoint.prefix, cases[i].prefix);
		assert_int_equal(endpoint.port, cases[i].port);
		assert_int_equal(endpoint.loopback, cases[i].loopback);
	}
}

static void endpoints_that_would_leak_the_token_are_refused(void **state)
{
	static const char *const cases[] = {
		"http://compute.example",
		"http://10.0.0.1",
		"http://127.0.0.1.example",
		"http://localhost.example",
		"ftp://compute.example",
		"compute.example",
		"",
		"https://",
		"https://user@host",
		"https://host:0",
		"https://host:65536",
		"https://host:x",
		"https://host?q",
		"https://host#f",
		"https://host /",
		"https://[::1",
		"https://[host]",
		"https://[127.0.0.1]",
		"https://host\nX: y",
		"http://127.0.0.1:80@evil.example",
	};
	struct endpoint endpoint;
	char why[SAY_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_false(endpoint_parse(cases[i], &endpoint, why, sizeof why));
}

static bool same_endpoint(const char *one, const char *other)
{
	struct endpoint first, second;
	char why[SAY_SIZE];

	assert_true(endpoint_parse(one, &first, why, sizeof why));
	assert_true(endpoint_parse(other, &second, why, sizeof why));
	assert_int_equal(endpoint_equal(&first, &second), endpoint_equal(&second, &first));
	return endpoint_equal(&first, &second);
}

static void spellings_of_one_endpoint_are_equal(void **state)
{
	(void)state;
	assert_true(same_endpoint("https://host", "https://host"));
	assert_true(same_endpoint("https://host", "HTTPS://Host:443/"));
	assert_true(same_endpoint("https://host/a", "https://HOST/a//"));
	assert_true(same_endpoint("http://localhost:80", "http://LocalHost"));
	assert_true(same_endpoint("https://[::1]", "https://[0:0:0:0:0:0:0:1]:443"));
}

static void endpoints_that_differ_in_anything_are_not_equal(void **state)
{
	static const char *const others[] = {
		"http://localhost/a:443", "https://localhost:444/a", "https://localhost:80/a",
		"https://localhost/A",    "https://localhost",       "https://localhost/a/b",
		"https://localhost./a",   "https://localhos/a",      "https://localhost.example/a",
		"https://127.0.0.1/a",    "https://localhost//a",    "https://localhost/./a",
	};

	(void)state;
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		assert_false(same_endpoint("https://localhost/a", others[i]));
	assert_false(same_endpoint("http://localhost:443", "https://localhost"));
	assert_false(same_endpoint("http://localhost", "https://localhost:80"));
}

/* An IPv6 address may be longer in its standard form. */
static void an_endpoint_that_is_too_long_is_refused(void **state)
{
	static const char host[] = "https://[::ffff:ffff:ffff]";
	struct endpoint endpoint;
	char text[ENDPOINT_SIZE + 1], why[SAY_SIZE];

	(void)state;
	memset(text, 'a', sizeof text);
	memcpy(text, host, strlen(host));
	text[strlen(host)] = '/';
	text[ENDPOINT_SIZE - 1] = '\0';
	assert_false(endpoint_parse(text, &endpoint, why, sizeof why));
	text[ENDPOINT_SIZE - 1] = 'a';
	text[ENDPOINT_SIZE] = '\0';
	assert_false(endpoint_parse(text, &endpoint, why, sizeof why));
	text[ENDPOINT_SIZE - 20] = '\0';
	assert_true(endpoint_parse(text, &endpoint, why, sizeof why));
}

/* A home of one's own, and no variable that is meant for exc */
static int set_up_home(void **state)
{
	static const char *const names[] = { "EXCLOUD_ACCESS_TOKEN", "ACCESS_TOKEN",
					     "EXCLOUD_ID_TOKEN",     "ID_TOKEN",
					     "EXC_ENDPOINT",         "EXC_CACERT" };
	char folder[4096];

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		unsetenv(names[i]);
	*state = mint_directory();
	setenv("HOME", *state, 1);
	snprintf(folder, sizeof folder, "%s/.exc", (char *)*state);
	return mkdir(folder, 0700);
}

static int tear_down_home(void **state)
{
	mint_remove(*state);
	return 0;
}

static void write_config(const char *home, const char *text, mode_t mode)
{
	char path[4096];

	snprintf(path, sizeof path, "%s/.exc/config", home);
	unlink(path);
	mint_write_text(home, ".exc/config", text);
	assert_int_equal(chmod(path, mode), 0);
}

static bool load(struct account *account, char *why)
{
	const struct account_options nothing = { 0 };

	why[0] = '\0';
	return account_load(&nothing, account, why, SAY_SIZE);
}

static void the_first_token_that_is_there_counts(void **state)
{
	static const char *const names[] = { "ID_TOKEN", "EXCLOUD_ID_TOKEN", "ACCESS_TOKEN",
					     "EXCLOUD_ACCESS_TOKEN" };
	struct account account;
	char why[SAY_SIZE];

	assert_false(load(&account, why));
	assert_string_equal(why, "no token found: run exc login, or set EXCLOUD_ACCESS_TOKEN");
	write_config(*state, "{\"access_token\":\"file\",\"endpoint\":\"https://file.example\"}",
		     0600);
	assert_true(load(&account, why));
	assert_string_equal(account.token, "file");
	assert_string_equal(account.endpoint.url, "https://file.example");
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		setenv(names[i], names[i], 1);
		assert_true(load(&account, why));
		assert_string_equal(account.token, names[i]);
		assert_string_equal(account.endpoint.url, "https://file.example");
	}
	setenv("EXCLOUD_ACCESS_TOKEN", "", 1);
	assert_true(load(&account, why));
	assert_string_equal(account.token, "ACCESS_TOKEN");
}

static void the_endpoint_comes_from_option_variable_file_or_default(void **state)
{
	const struct account_options option = { .endpoint = "https://option.example" };
	struct account account;
	char why[SAY_SIZE];

	setenv("EXCLOUD_ACCESS_TOKEN", "token", 1);
	assert_true(load(&account, why));
	assert_string_equal(account.endpoint.url, ENDPOINT_DEFAULT);
	write_config(*state, "{\"access_token\":\"file\",\"endpoint\":\"https://file.example\"}",
		     0600);
	assert_true(load(&account, why));
	assert_string_equal(account.endpoint.url, "https://file.example");
	setenv("EXC_ENDPOINT", "https://variable.example", 1);
	assert_true(load(&account, why));
	assert_string_equal(account.endpoint.url, "https://variable.example");
	assert_true(account_load(&option, &account, why, sizeof why));
	assert_string_equal(account.endpoint.url, "https://option.example");
	assert_string_equal(account.token, "token");
}

static void a_saved_token_is_for_its_endpoint_only(void **state)
{
	const struct account_options option = { .endpoint = "https://file.example:444" };
	struct account account;
	char why[SAY_SIZE];

	write_config(*state, "{\"access_token\":\"file\",\"endpoint\":\"https://FILE.example/\"}",
		     0600);
	setenv("EXC_ENDPOINT", "HTTPS://file.example:443", 1);
	assert_true(load(&account, why));
	assert_string_equal(account.token, "file");
	setenv("EXC_ENDPOINT", "https://variable.example", 1);
	assert_false(load(&account, why));
	assert_int_equal(account.token[0], 0);
	assert_non_null(strstr(why, "is for https://file.example, and EXC_ENDPOINT names "
				    "https://variable.example"));
	assert_non_null(strstr(why, "unset EXC_ENDPOINT"));
	assert_false(account_load(&option, &account, why, sizeof why));
	assert_int_equal(account.token[0], 0);
	assert_non_null(strstr(why, "--endpoint names https://file.example:444"));
	setenv("EXCLOUD_ACCESS_TOKEN", "token", 1);
	assert_true(load(&account, why));
	assert_string_equal(account.token, "token");
	assert_string_equal(account.endpoint.url, "https://variable.example");
}

static void a_saved_token_without_an_endpoint_is_for_the_default(void **state)
{
	struct account account;
	char why[SAY_SIZE];

	write_config(*state, "{\"access_token\":\"file\"}", 0600);
	assert_true(load(&account, why));
	assert_string_equal(account.token, "file");
	assert_string_equal(account.endpoint.url, ENDPOINT_DEFAULT);
	setenv("EXC_ENDPOINT", "https://variable.example", 1);
	assert_false(load(&account, why));
	assert_int_equal(account.token[0], 0);
	assert_non_null(strstr(why, "is for " ENDPOINT_DEFAULT));
}

static void a_saved_endpoint_that_is_none_is_not_the_default(void **state)
{
	static const char *const endpoints[] = {
		"\"\"", "null", "5", "[]", "\"http://evil.example\"", "\"https://a\\u0000b\""
	};
	const struct account_options nothing = { 0 };
	struct account account;
	char why[SAY_SIZE], text[200];

	for (size_t i = 0; i < sizeof endpoints / sizeof endpoints[0]; i++) {
		snprintf(text, sizeof text, "{\"access_token\":\"file\",\"endpoint\":%s}",
			 endpoints[i]);
		write_config(*state, text, 0600);
		assert_false(load(&account, why));
		assert_int_equal(account.token[0], 0);
		assert_false(account_load_endpoint(&nothing, &account, why, sizeof why));
		assert_non_null(strstr(why, "exc login --endpoint URL"));
	}
}

static void a_login_is_for_the_endpoint_that_is_named_or_saved(void **state)
{
	const struct account_options nothing = { 0 },
				     option = { .endpoint = "https://option.example" };
	struct account account;
	char why[SAY_SIZE];

	assert_true(account_load_endpoint(&nothing, &account, why, sizeof why));
	assert_string_equal(account.endpoint.url, ENDPOINT_DEFAULT);
	write_config(*state, "{\"access_token\":\"a b\",\"endpoint\":\"https://file.example\"}",
		     0600);
	assert_true(account_load_endpoint(&nothing, &account, why, sizeof why));
	assert_string_equal(account.endpoint.url, "https://file.example");
	assert_int_equal(account.token[0], 0);
	write_config(*state, "not JSON", 0644);
	assert_false(account_load_endpoint(&nothing, &account, why, sizeof why));
	setenv("EXC_ENDPOINT", "https://variable.example", 1);
	assert_true(account_load_endpoint(&nothing, &account, why, sizeof why));
	assert_string_equal(account.endpoint.url, "https://variable.example");
	assert_true(account_load_endpoint(&option, &account, why, sizeof why));
	assert_string_equal(account.endpoint.url, "https://option.example");
}

static void a_file_that_others_can_read_is_refused(void **state)
{
	static const mode_t modes[] = { 0644, 0640, 0604, 0660, 0700, 04600, 0400 };
	struct account account;
	char why[SAY_SIZE];

	for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
		write_config(*state, "{\"access_token\":\"file\"}", modes[i]);
		assert_false(load(&account, why));
		assert_non_null(strstr(why, "mode"));
		assert_int_equal(account.token[0], 0);
	}
}

static void a_file_that_is_none_is_refused(void **state)
{
	struct account account;
	char why[SAY_SIZE], path[4096], other[4096];

	snprintf(path, sizeof path, "%s/.exc/config", (char *)*state);
	snprintf(other, sizeof other, "%s/.exc/other", (char *)*state);
	write_config(*state, "{\"access_token\":\"file\"}", 0600);
	assert_int_equal(rename(path, other), 0);
	assert_int_equal(symlink(other, path), 0);
	assert_false(load(&account, why));
	assert_non_null(strstr(why, "link"));
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_false(load(&account, why));
	assert_non_null(strstr(why, "regular"));
	unlink(path);
	write_config(*state, "access_token = x", 0600);
	assert_false(load(&account, why));
	assert_non_null(strstr(why, "JSON"));
	write_config(*state, "{\"access_token\":\"two words\"}", 0600);
	assert_false(load(&account, why));
	write_config(*state, "{\"access_token\":\"line\\r\\nX-Evil: 1\"}", 0600);
	assert_false(load(&account, why));
}

static void what_is_saved_is_private_and_read_again(void **state)
{
	struct account account, again;
	char why[SAY_SIZE], path[CREDENTIALS_PATH_SIZE], folder[4096];
	struct stat status;

	snprintf(folder, sizeof folder, "%s/.exc", (char *)*state);
	assert_int_equal(chmod(folder, 0755), 0);
	memset(&account, 0, sizeof account);
	assert_true(endpoint_parse("https://c.example:1", &account.endpoint, why, sizeof why));
	strcpy(account.token, "secret");
	assert_true(account_save(&account, path, why, sizeof why));
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	assert_int_equal(stat(folder, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0700);
	assert_true(load(&again, why));
	assert_string_equal(again.token, "secret");
	assert_string_equal(again.endpoint.url, "https://c.example:1");
}

static void known_hosts_have_a_line_for_each_key(void **state)
{
	char first[] = "ssh-ed25519 AAAA", second[] = "ssh-rsa BBBB";
	struct session session = { .alias = "exc-42",
				   .host_key_count = 2,
				   .host_keys = { first, second } };
	char *lines = known_hosts_lines(&session);

	(void)state;
	assert_string_equal(lines, "exc-42,[exc-42]:* ssh-ed25519 AAAA\n"
				   "exc-42,[exc-42]:* ssh-rsa BBBB\n");
	free(lines);
	session.host_key_count = 0;
	assert_null(known_hosts_lines(&session));
}

static void known_hosts_replace_the_same_vm_only(void **state)
{
	static const char old[] = "exc-42,[exc-42]:* old\nexc-421,[exc-421]:* other\n"
				  "exc-42 older\nexc-4,[exc-4]:* third\ntorn";
	char *text = known_hosts_merge(old, "exc-42", "exc-42,[exc-42]:* new\n");

	(void)state;
	assert_string_equal(text, "exc-42,[exc-42]:* new\nexc-421,[exc-421]:* other\n"
				  "exc-4,[exc-4]:* third\n");
	free(text);
}

static void known_hosts_do_not_grow_for_ever(void **state)
{
	char *old = malloc(2 * KNOWN_HOSTS_BYTES_MAX + 1), *text;
	size_t length = 0;

	(void)state;
	assert_non_null(old);
	while (length < KNOWN_HOSTS_BYTES_MAX)
		length += (size_t)sprintf(old + length, "exc-%zu,[x]:* key\n", length);
	text = known_hosts_merge(old, "exc-new", "exc-new line\n");
	assert_true(strlen(text) <= KNOWN_HOSTS_BYTES_MAX);
	assert_int_equal(strncmp(text, "exc-new line\nexc-0,", 19), 0);
	assert_int_equal(text[strlen(text) - 1], '\n');
	free(text);
	free(old);
}

static void a_command_line_that_is_too_long_is_seen(void **state)
{
	struct ssh_command command = { .count = 0 };

	(void)state;
	for (unsigned int i = 0; i < SSH_COMMAND_WORDS_MAX; i++)
		ssh_command_add(&command, "%u", i);
	assert_false(command.incomplete);
	assert_string_equal(command.words[SSH_COMMAND_WORDS_MAX - 1], "511");
	assert_null(command.words[SSH_COMMAND_WORDS_MAX]);
	ssh_command_add(&command, "more");
	assert_true(command.incomplete);
	ssh_command_free(&command);
}

static void quoting_holds_for_shell_and_ssh(void **state)
{
	char *quoted = ssh_command_quote("/a b/it's 100%");

	(void)state;
	assert_string_equal(quoted, "'/a b/it'\\''s 100%%'");
	free(quoted);
}

static void a_memory_file_is_private_and_wiped(void **state)
{
	struct memory_file file = MEMORY_FILE_NONE;
	char bytes[8] = "";
	struct stat status;
	int other;

	(void)state;
	assert_true(memory_file_make(&file, "test", "secret", 6));
	other = open(file.path, O_RDONLY);
	assert_true(other >= 0);
	assert_int_equal(fstat(other, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	assert_int_equal(status.st_nlink, 0);
	assert_int_equal(read(other, bytes, sizeof bytes), 6);
	assert_string_equal(bytes, "secret");
	memory_file_wipe(&file);
	assert_int_equal(pread(other, bytes, sizeof bytes, 0), 6);
	assert_memory_equal(bytes, "\0\0\0\0\0\0", 6);
	close(other);
	assert_int_equal(open(file.path, O_RDONLY), -1);
	memory_file_wipe(&file);
}

/* What is sent of what is typed, which may come in two pieces */
static void type(const char *first, const char *second, const char *expected, bool leaves)
{
	struct escape escape = { 0 };
	unsigned char out[64];
	bool left = false;
	size_t count =
		escape_filter(&escape, (const unsigned char *)first, strlen(first), out, &left);

	if (!left)
		count += escape_filter(&escape, (const unsigned char *)second, strlen(second),
				       out + count, &left);
	assert_int_equal(count, strlen(expected));
	assert_memory_equal(out, expected, count);
	assert_int_equal(left, leaves);
}

static void the_console_is_left_at_the_start_of_a_line_only(void **state)
{
	(void)state;
	type("~", ".", "", true);
	type("ls\r~.", "", "ls\r", true);
	type("ls\r~", ".rest", "ls\r", true);
	type("a~.", "", "a~.", false);
	type("~a", "", "~a", false);
	type("~~", ".", "~.", false);
	type("~", "\r~.", "~\r", true);
	type("abc\x1d", "rest", "abc", true);
}

static void what_the_network_says_cannot_steer_the_terminal(void **state)
{
	char text[] = "a\033[31mb\r\n\x7f\xc2\x9b\xc3\xa4";

	(void)state;
	say_harmless(text);
	assert_string_equal(text, "a?[31mb?????\xc3\xa4");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_are_the_same_with_dash_and_underscore),
		cmocka_unit_test(values_keep_what_looks_like_an_option),
		cmocka_unit_test(what_comes_after_two_dashes_is_left_alone),
		cmocka_unit_test(help_counts_wherever_it_stands),
		cmocka_unit_test(wrong_options_are_named),
		cmocka_unit_test(numbers_have_bounds),
		cmocka_unit_test(endpoints_are_taken_apart),
		cmocka_unit_test(endpoints_that_would_leak_the_token_are_refused),
		cmocka_unit_test(spellings_of_one_endpoint_are_equal),
		cmocka_unit_test(endpoints_that_differ_in_anything_are_not_equal),
		cmocka_unit_test(an_endpoint_that_is_too_long_is_refused),
		cmocka_unit_test_setup_teardown(the_first_token_that_is_there_counts, set_up_home,
						tear_down_home),
		cmocka_unit_test_setup_teardown(
			the_endpoint_comes_from_option_variable_file_or_default, set_up_home,
			tear_down_home),
		cmocka_unit_test_setup_teardown(a_saved_token_is_for_its_endpoint_only, set_up_home,
						tear_down_home),
		cmocka_unit_test_setup_teardown(
			a_saved_token_without_an_endpoint_is_for_the_default, set_up_home,
			tear_down_home),
		cmocka_unit_test_setup_teardown(a_saved_endpoint_that_is_none_is_not_the_default,
						set_up_home, tear_down_home),
		cmocka_unit_test_setup_teardown(a_login_is_for_the_endpoint_that_is_named_or_saved,
						set_up_home, tear_down_home),
		cmocka_unit_test_setup_teardown(a_file_that_others_can_read_is_refused, set_up_home,
						tear_down_home),
		cmocka_unit_test_setup_teardown(a_file_that_is_none_is_refused, set_up_home,
						tear_down_home),
		cmocka_unit_test_setup_teardown(what_is_saved_is_private_and_read_again,
						set_up_home, tear_down_home),
		cmocka_unit_test(known_hosts_have_a_line_for_each_key),
		cmocka_unit_test(known_hosts_replace_the_same_vm_only),
		cmocka_unit_test(known_hosts_do_not_grow_for_ever),
		cmocka_unit_test(a_command_line_that_is_too_long_is_seen),
		cmocka_unit_test(quoting_holds_for_shell_and_ssh),
		cmocka_unit_test(a_memory_file_is_private_and_wiped),
		cmocka_unit_test(the_console_is_left_at_the_start_of_a_line_only),
		cmocka_unit_test(what_the_network_says_cannot_steer_the_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
