/* SPDX-License-Identifier: Apache-2.0 */
/* PAM's configuration: our module counts only where a session surely needs it, and a proof of that
 * holds only for the files as they were. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/wiring/pam_proof.h"
#include "agent/wiring/pam_service.h"
#include "ledger/stack_proof.h"
#include "mint.h"

#define OURS "pam_exc_instance_connect.so"
#define OUR_LINE "session [success=ok ignore=ignore module_unknown=ignore default=die] " OURS "\n"
#define PATH_SIZE 512

static char *folder, *vendor;
static const char *directories[3];

static int make_folders(void **state)
{
	(void)state;
	folder = mint_directory();
	vendor = mint_directory();
	directories[0] = folder;
	directories[1] = vendor;
	return 0;
}

static int remove_folders(void **state)
{
	(void)state;
	mint_remove(folder);
	mint_remove(vendor);
	return 0;
}

static void write_in(const char *where, const char *name, const char *text)
{
	char path[PATH_SIZE];
	FILE *file;

	snprintf(path, sizeof path, "%s/%s", where, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static enum pam_service_verdict examine(const char *text)
{
	char why[512] = "";
	enum pam_service_verdict verdict;

	write_in(folder, "sshd", text);
	verdict = pam_service_examine(directories, "sshd", NULL, NULL, why, sizeof why);
	assert_true((verdict == PAM_SERVICE_RUNS) == (why[0] == '\0') ||
		    verdict == PAM_SERVICE_NEVER);
	return verdict;
}

static void what_each_control_makes_of_our_line_is_known(void **state)
{
	static const struct {
		const char *text;
		enum pam_service_verdict verdict;
	} cases[] = {
		{ OUR_LINE, PAM_SERVICE_RUNS },
		{ "session required " OURS "\n", PAM_SERVICE_RUNS },
		{ "session requisite /lib/security/" OURS " with arguments\n", PAM_SERVICE_RUNS },
		{ "-session\trequired\t" OURS "\n", PAM_SERVICE_RUNS },
		{ "SESSION Required " OURS " # a comment", PAM_SERVICE_RUNS },
		{ "session required \\\n " OURS "\n", PAM_SERVICE_RUNS },
		{ "session [default=bad] " OURS "\n", PAM_SERVICE_RUNS },
		{ "session [ success=ok   session_err=die default=ignore ] " OURS "\n",
		  PAM_SERVICE_RUNS },
		{ "session [success=ok] " OURS "\n", PAM_SERVICE_RUNS },
		/* It would open a session that the module refuses. */
		{ "session optional " OURS "\n", PAM_SERVICE_PERHAPS },
		{ "session sufficient " OURS "\n", PAM_SERVICE_PERHAPS },
		{ "session [default=ignore] " OURS "\n", PAM_SERVICE_PERHAPS },
		{ "session [default=die session_err=ignore] " OURS "\n", PAM_SERVICE_PERHAPS },
		{ "session [session_err=1 default=die] " OURS "\n", PAM_SERVICE_PERHAPS },
		/* It is not called when a session opens. */
		{ "auth required " OURS "\n", PAM_SERVICE_PERHAPS },
		{ "account required " OURS "\nsession required pam_unix.so\n",
		  PAM_SERVICE_PERHAPS },
		{ "#" OUR_LINE, PAM_SERVICE_NEVER },
		{ "session required pam_unix.so\n", PAM_SERVICE_NEVER },
		{ "session required pam_unix.so " OURS "\n", PAM_SERVICE_NEVER },
		{ "", PAM_SERVICE_NEVER },
		/* What libpam understands otherwise, or not at all */
		{ "session [success=no] " OURS "\n", PAM_SERVICE_PERHAPS },
		{ "session [success] " OURS "\n", PAM_SERVICE_PERHAPS },
		{ "session [success=ok " OURS "\n", PAM_SERVICE_PERHAPS },
		{ "session sometimes " OURS "\n", PAM_SERVICE_PERHAPS },
		{ "session required\n", PAM_SERVICE_PERHAPS },
		{ "session\n", PAM_SERVICE_PERHAPS },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		if (examine(cases[i].text) != cases[i].verdict)
			fail_msg("wrong verdict for: %s", cases[i].text);
}

static void a_line_that_may_end_the_stack_or_jump_over_ours_is_found(void **state)
{
	static const struct {
		const char *before, *after;
		enum pam_service_verdict verdict;
	} cases[] = {
		{ "session required pam_unix.so\n", "", PAM_SERVICE_RUNS },
		{ "session optional pam_motd.so\n", "session sufficient pam_x.so\n",
		  PAM_SERVICE_RUNS },
		/* As Debian begins its common-session */
		{ "session [default=1] pam_permit.so\nsession requisite pam_deny.so\n"
		  "session required pam_permit.so\n",
		  "session optional pam_systemd.so\n", PAM_SERVICE_RUNS },
		{ "session sufficient pam_x.so\n", "", PAM_SERVICE_PERHAPS },
		{ "session [success=done default=ignore] pam_x.so\n", "", PAM_SERVICE_PERHAPS },
		{ "session [success=1 default=ignore] pam_succeed_if.so\n", "",
		  PAM_SERVICE_PERHAPS },
		{ "session [default=2] pam_x.so\nsession required pam_y.so\n", "",
		  PAM_SERVICE_PERHAPS },
		{ "session [default=1] pam_x.so\nsession required pam_y.so\n", "",
		  PAM_SERVICE_RUNS },
		/* Ends that are not a success */
		{ "session [default=die] pam_x.so\n", "", PAM_SERVICE_RUNS },
		/* It makes libpam forget what ours has refused. */
		{ "", "session [default=reset] pam_x.so\n", PAM_SERVICE_PERHAPS },
		/* Other types have a stack of their own. */
		{ "auth sufficient pam_unix.so\naccount [default=9] pam_x.so\n", "",
		  PAM_SERVICE_RUNS },
	};
	char text[1024];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		snprintf(text, sizeof text, "%s" OUR_LINE "%s", cases[i].before, cases[i].after);
		if (examine(text) != cases[i].verdict)
			fail_msg("wrong verdict for: %s", text);
	}
}

static void files_that_are_included_are_part_of_the_stack(void **state)
{
	(void)state;
	write_in(folder, "common-session", "session required pam_unix.so\n" OUR_LINE);
	write_in(folder, "ends", "session sufficient pam_x.so\n");
	write_in(folder, "jumps", "session [default=1] pam_x.so\n");
	assert_int_equal(examine("@include common-session\n"), PAM_SERVICE_RUNS);
	assert_int_equal(examine("session include common-session\n"), PAM_SERVICE_RUNS);
	assert_int_equal(examine("session substack common-session\n"), PAM_SERVICE_RUNS);
	assert_int_equal(examine("auth include common-session\n"), PAM_SERVICE_NEVER);
	assert_int_equal(examine("@include ends\n@include common-session\n"), PAM_SERVICE_PERHAPS);
	assert_int_equal(examine("session include ends\n" OUR_LINE), PAM_SERVICE_PERHAPS);
	/* The end of a substack is not that of what has it. */
	assert_int_equal(examine("session substack ends\n" OUR_LINE), PAM_SERVICE_RUNS);
	assert_int_equal(examine("session substack jumps\n" OUR_LINE), PAM_SERVICE_RUNS);
	assert_int_equal(examine("session include jumps\n" OUR_LINE), PAM_SERVICE_PERHAPS);
	/* And a jump takes a substack as one. */
	assert_int_equal(examine("session [default=1] pam_x.so\nsession substack ends\n" OUR_LINE),
			 PAM_SERVICE_RUNS);
	assert_int_equal(examine("session [default=1] pam_x.so\nsession substack common-session\n"),
			 PAM_SERVICE_PERHAPS);
	assert_int_equal(examine("session sufficient pam_x.so\nsession substack common-session\n"),
			 PAM_SERVICE_PERHAPS);
	/* Without its file, a service cannot be used, and nothing is known of it. */
	assert_int_equal(examine("@include nowhere\n" OUR_LINE), PAM_SERVICE_PERHAPS);
	assert_int_equal(examine("@include sshd\n" OUR_LINE), PAM_SERVICE_PERHAPS);
	/* What a distribution ships counts where there is no file of this name. */
	write_in(vendor, "shipped", OUR_LINE);
	assert_int_equal(examine("@include shipped\n"), PAM_SERVICE_RUNS);
	write_in(folder, "shipped", "session required pam_unix.so\n");
	assert_int_equal(examine("@include shipped\n"), PAM_SERVICE_NEVER);
}

static bool prove(char path[PATH_SIZE])
{
	char why[512];

	return pam_proof_make(directories, path, why, sizeof why) && stack_proof_holds(path);
}

/* Proofs that others can write do not count, so this takes a directory that only root may write. */
static void a_proof_holds_until_anything_that_was_read_changes(void **state)
{
	char *elsewhere = mint_directory();
	char path[PATH_SIZE], name[PATH_SIZE], other[PATH_SIZE];

	(void)state;
	if (geteuid() != 0)
		skip();
	snprintf(path, sizeof path, "%s/proof", elsewhere);
	snprintf(name, sizeof name, "%s/sshd", folder);
	snprintf(other, sizeof other, "%s/other", folder);
	assert_false(stack_proof_holds(path));
	write_in(folder, "sshd", "session required pam_unix.so\n");
	assert_false(prove(path)); /* nobody names the module */
	write_in(folder, "sshd", OUR_LINE);
	assert_true(prove(path));
	assert_true(prove(path));
	/* The same text, written again at once */
	write_in(folder, "sshd", OUR_LINE);
	assert_false(stack_proof_holds(path));
	assert_true(prove(path));
	assert_int_equal(chmod(name, 0600), 0);
	assert_false(stack_proof_holds(path));
	assert_true(prove(path));
	/* Another service: whether it names the module is not known yet. */
	write_in(folder, "other", "session required pam_unix.so\n");
	assert_false(stack_proof_holds(path));
	assert_true(prove(path));
	write_in(folder, "other", "session optional " OURS "\n");
	assert_false(stack_proof_holds(path));
	assert_false(prove(path));
	assert_int_equal(access(path, F_OK), -1); /* it is taken away */
	assert_int_equal(unlink(other), 0);
	assert_true(prove(path));
	assert_int_equal(unlink(name), 0);
	assert_false(stack_proof_holds(path));
	assert_false(prove(path));
	mint_remove(elsewhere);
}

/* With these services open, or NULL, as libpam has them when it comes to our line */
static bool holds_while_open(const char *path, const char *one, const char *two)
{
	const char *const names[] = { one, two };
	int fds[2] = { -1, -1 };
	char name[PATH_SIZE];
	bool holds;

	for (size_t i = 0; i < 2; i++) {
		if (names[i] == NULL)
			continue;
		snprintf(name, sizeof name, "%s/%s", folder, names[i]);
		fds[i] = open(name, O_RDONLY | O_CLOEXEC);
		assert_true(fds[i] >= 0);
	}
	holds = stack_proof_holds_for_service(path);
	for (size_t i = 0; i < 2; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	return holds;
}

static void a_proof_holds_for_the_service_that_libpam_reads_and_not_for_other(void **state)
{
	char *elsewhere = mint_directory();
	char path[PATH_SIZE];

	(void)state;
	if (geteuid() != 0)
		skip();
	snprintf(path, sizeof path, "%s/proof", elsewhere);
	write_in(folder, "common", OUR_LINE);
	write_in(folder, "sshd", "@include common\n");
	write_in(folder, "other", "@include common\n");
	assert_true(prove(path));
	assert_false(holds_while_open(path, NULL, NULL));
	assert_true(holds_while_open(path, "sshd", NULL));
	assert_true(holds_while_open(path, "sshd", "common"));
	assert_false(holds_while_open(path, "other", NULL));
	assert_false(holds_while_open(path, "other", "common"));
	write_in(folder, "sshd", "@include common\n");
	assert_false(holds_while_open(path, "sshd", "common"));
	mint_remove(elsewhere);
}

static void a_proof_that_root_did_not_make_proves_nothing(void **state)
{
	char *elsewhere = mint_directory();
	char path[PATH_SIZE], link[PATH_SIZE];
	char text[STACK_PROOF_BYTES_MAX];
	FILE *file;
	size_t length;

	(void)state;
	if (geteuid() != 0)
		skip();
	snprintf(path, sizeof path, "%s/proof", elsewhere);
	snprintf(link, sizeof link, "%s/link", elsewhere);
	write_in(folder, "sshd", OUR_LINE);
	assert_true(prove(path));
	assert_int_equal(symlink("proof", link), 0);
	assert_false(stack_proof_holds(link));
	assert_int_equal(chmod(path, 0664), 0);
	assert_false(stack_proof_holds(path));
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(chown(path, 1, 1), 0);
	assert_false(stack_proof_holds(path));
	assert_int_equal(chown(path, 0, 0), 0);
	assert_true(stack_proof_holds(path));
	file = fopen(path, "r");
	length = fread(text, 1, sizeof text - 1, file);
	fclose(file);
	/* Cut off anywhere, it proves nothing. */
	for (size_t cut = 0; cut < length; cut++) {
		assert_int_equal(truncate(path, (off_t)cut), 0);
		if (stack_proof_holds(path))
			fail_msg("a proof of %zu bytes holds", cut);
	}
	/* As administrators made it by hand for earlier versions */
	write_in(elsewhere, "proof", "");
	assert_false(stack_proof_holds(path));
	write_in(elsewhere, "proof", "/lib/x86_64-linux-gnu/security/" OURS "\n");
	assert_false(stack_proof_holds(path));
	mint_remove(elsewhere);
}

#define IN_FOLDERS(name) cmocka_unit_test_setup_teardown(name, make_folders, remove_folders)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDERS(what_each_control_makes_of_our_line_is_known),
		IN_FOLDERS(a_line_that_may_end_the_stack_or_jump_over_ours_is_found),
		IN_FOLDERS(files_that_are_included_are_part_of_the_stack),
		IN_FOLDERS(a_proof_holds_until_anything_that_was_read_changes),
		IN_FOLDERS(a_proof_holds_for_the_service_that_libpam_reads_and_not_for_other),
		IN_FOLDERS(a_proof_that_root_did_not_make_proves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
