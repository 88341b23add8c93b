/* SPDX-License-Identifier: Apache-2.0 */
/* The agent, which exc-instance-connect becomes: find the subcommand and run it. */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "agent/commands.h"
#include "ledger/paths.h"

static const struct subcommand {
	const char *name;
	int (*main)(int argc, char **argv, const char *config_path);
	const char *arguments;
	const char *summary;
} subcommands[] = {
	{ "authorized-keys", authorized_keys_main, "USER FINGERPRINT [KEYTYPE KEY]",
	  "print the one-time key that sshd asks about (AuthorizedKeysCommand)" },
	{ "doctor", doctor_main, "[--user NAME] [--json] | --next",
	  "report what keeps one-time keys from working, and how to fix it" },
	{ "ec2-verify", ec2_verify_main,
	  "--keys FILE --signer FILE --ca FILE|DIR --ocsp DIR --instance ID --cn NAME "
	  "[--fingerprint FP] [--now UNIXTIME]",
	  "verify pushed EC2 keys offline and print the valid ones" },
	{ "publish-host-keys", publish_host_keys_main, "[--retry SECONDS] [FILE...]",
	  "send this machine's SSH host keys to the control plane" },
	{ "report", report_main, "[--retry SECONDS]",
	  "send the receipts of used keys to the metadata endpoint" },
	{ "sshd", sshd_main,
	  "enable [--chain [--drop-root]] [--provider NAME] | disable | status [--json]",
	  "wire sshd to this program, undo that, or show how it is wired" },
};

static void print_usage(FILE *out)
{
	fprintf(out, "Usage: exc-instance-connect [--config FILE] COMMAND [ARGUMENT...]\n\n"
		     "Log in over SSH with keys that live for a minute and open one session.\n\n"
		     "Commands:\n");
	for (size_t i = 0; i < sizeof subcommands / sizeof subcommands[0]; i++)
		fprintf(out, "  %s%s%s\n      %s\n", subcommands[i].name,
			subcommands[i].arguments[0] == '\0' ? "" : " ", subcommands[i].arguments,
			subcommands[i].summary);
	fprintf(out, "\nOptions:\n"
		     "  --config FILE  read this instead of " CONFIG_FILE "\n"
		     "  --help         show this text\n"
		     "  --version      show the version\n\n"
		     "See exc-instance-connect(1).\n");
}

static int usage_error(const char *what, const char *which)
{
	fprintf(stderr, "exc-instance-connect: %s%s; try --help\n", what, which);
	return EXIT_USAGE;
}

/* Remove `--config FILE` or `--config=FILE`, before or after the subcommand, from the arguments.
 * False if FILE is missing. */
static bool take_config(int *argc, char **argv, const char **path)
{
	int kept = 1;

	for (int i = 1; i < *argc; i++) {
		if (strncmp(argv[i], "--config=", 9) == 0) {
			*path = argv[i] + 9;
		} else if (strcmp(argv[i], "--config") == 0) {
			if (++i == *argc)
				return false;
			*path = argv[i];
		} else {
			argv[kept++] = argv[i];
		}
	}
	*argc = kept;
	argv[kept] = NULL;
	return (*path)[0] != '\0';
}

/* sshd waits for this program: the kernel cleans up faster than its libraries on exit. */
static void leave(int status)
{
	fflush(stdout);
	_exit(status);
}

int main(int argc, char **argv)
{
	const char *config_path = CONFIG_FILE;

	/* Signatures are verified with the algorithms built into OpenSSL: a configuration file
	 * could only add code to the login path, and reading it takes longer than verifying a
	 * signature. */
	OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT, NULL);
	/* sshd closing the pipe, or an endpoint the connection, is an error value, not a signal. */
	signal(SIGPIPE, SIG_IGN);
	/* If our parent ignores it, we never learn how a child ended. */
	signal(SIGCHLD, SIG_DFL);
	umask(077);
	if (!take_config(&argc, argv, &config_path))
		return usage_error("--config needs a file", "");
	if (argc < 2)
		return usage_error("no command given", "");
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		print_usage(stdout);
		return EXIT_SUCCESS;
	}
	if (strcmp(argv[1], "--version") == 0) {
		printf("exc-instance-connect %s\n", PACKAGE_VERSION);
		return EXIT_SUCCESS;
	}
	for (size_t i = 0; i < sizeof subcommands / sizeof subcommands[0]; i++) {
		if (strcmp(argv[1], subcommands[i].name) != 0)
			continue;
		if (argc > 2 && strcmp(argv[2], "--help") == 0) {
			print_usage(stdout);
			return EXIT_SUCCESS;
		}
		leave(subcommands[i].main(argc - 2, argv + 2, config_path));
	}
	return usage_error("no such command: ", argv[1]);
}
