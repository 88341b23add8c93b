/* SPDX-License-Identifier: Apache-2.0 */
/* ec2-verify: verify a list of pushed keys of EC2 from files, as authorized-keys does from the
 * metadata service. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent/commands.h"
#include "agent/config/config.h"
#include "ec2/pushed_list.h"
#include "ec2/pushed_key.h"
#include "ec2/signer.h"
#include "ec2/staple_text.h"
#include "grant/authorized_line.h"
#include "base/cleanup.h"

/* The exit status of the scripts that this replaces, if no key is valid */
#define EXIT_NO_KEY 255
/* Names that are read from the directory of staples */
#define STAPLE_FILES_MAX 256
/* The default of clock_skew in agent.conf */
#define CLOCK_SKEW 5
/* The first byte of every OCSP response in DER; base64 of one begins with 'M' */
#define DER_SEQUENCE 0x30

DEFINE_CLEANUP(DIR, closedir);
typedef struct signer signer_t;
DEFINE_CLEANUP(signer_t, signer_free);

struct options {
	const char *keys, *signer, *ca, *ocsp, *instance, *cn, *fingerprint, *now;
};

static int usage(void)
{
	fputs("Usage: exc-instance-connect ec2-verify --keys FILE --signer FILE --ca FILE|DIR\n"
	      "           --ocsp DIR --instance ID --cn NAME [--fingerprint FP] [--now UNIXTIME]\n"
	      "Exit status: 0 if a key is valid, 255 if none is, 1 if the signer is not trusted.\n",
	      stderr);
	return EXIT_USAGE;
}

static bool read_options(int argc, char **argv, struct options *options)
{
	const struct {
		const char *name;
		const char **value;
	} known[] = {
		{ "--keys", &options->keys },
		{ "--signer", &options->signer },
		{ "--ca", &options->ca },
		{ "--ocsp", &options->ocsp },
		{ "--instance", &options->instance },
		{ "--cn", &options->cn },
		{ "--now", &options->now },
		{ "--fingerprint", &options->fingerprint },
	};

	for (int i = 0; i < argc; i += 2) {
		size_t at = 0;

		while (at < sizeof known / sizeof known[0] && strcmp(argv[i], known[at].name) != 0)
			at++;
		if (at == sizeof known / sizeof known[0] || i + 1 == argc ||
		    *known[at].value != NULL)
			return false;
		*known[at].value = argv[i + 1];
	}
	return options->keys != NULL && options->signer != NULL && options->ca != NULL &&
	       options->ocsp != NULL && options->instance != NULL && options->cn != NULL;
}

/* Seconds since 1970; the local clock without an option. */
static bool read_now(const char *text, time_t *now)
{
	char *end;

	*now = time(NULL);
	if (text == NULL)
		return true;
	errno = 0;
	*now = (time_t)strtoll(text, &end, 10);
	return errno == 0 && end != text && *end == '\0' && *now >= 0;
}

/* A file of at most `max` bytes below `folder` (AT_FDCWD for any path). NULL, after a message on
 * stderr; the caller frees. */
static char *read_file(int folder, const char *path, size_t max, size_t *length)
{
	_cleanup_close_ int fd = openat(folder, path, O_RDONLY | O_CLOEXEC);
	char *bytes = fd < 0 ? NULL : malloc(max + 1);
	ssize_t got = 1;

	*length = 0;
	while (bytes != NULL && got > 0 && *length <= max) {
		got = read(fd, bytes + *length, max + 1 - *length);
		*length += got > 0 ? (size_t)got : 0;
	}
	if (bytes != NULL && got == 0)
		return bytes;
	fprintf(stderr, "exc-instance-connect: %s: %s\n", path,
		bytes != NULL && got > 0 ? "too large" : strerror(errno));
	free(bytes);
	return NULL;
}

/* The staple of one file: DER, or base64 as the metadata service has it. */
static enum grant_verdict take_file(struct signer *signer, unsigned int i, int folder,
				    const char *name, char *why)
{
	uint8_t der[SIGNER_STAPLE_BYTES_MAX];
	size_t length;
	_cleanup_free_ char *bytes = read_file(folder, name, STAPLE_TEXT_BYTES_MAX, &length);
	ssize_t decoded;

	if (bytes != NULL && length > 0 && bytes[0] == DER_SEQUENCE)
		return signer_take_staple(signer, i, (const uint8_t *)bytes, length, why);
	decoded = bytes == NULL ? -1 : staple_decode(bytes, length, der);
	if (decoded >= 0)
		return signer_take_staple(signer, i, der, (size_t)decoded, why);
	snprintf(why, SIGNER_WHY_SIZE, "%.64s is neither DER nor base64", name);
	return GRANT_STAPLE_MALFORMED;
}

static enum grant_verdict take_staples(struct signer *signer, const char *path, char *why)
{
	_cleanup_(cleanup_closedir) DIR *folder = opendir(path);
	enum grant_verdict verdict = GRANT_OK;
	const struct dirent *entry;

	for (int seen = 0; folder != NULL && verdict == GRANT_OK && seen < STAPLE_FILES_MAX &&
			   (entry = readdir(folder)) != NULL;
	     seen++)
		for (unsigned int i = 0; i < signer_staples(signer); i++)
			if (verdict == GRANT_OK && signer_names_staple(signer, i, entry->d_name))
				verdict = take_file(signer, i, dirfd(folder), entry->d_name, why);
	return verdict == GRANT_OK ? signer_complete(signer, why) : verdict;
}

static enum grant_verdict open_signer(const struct options *options, time_t now,
				      struct signer **signer, char *why)
{
	const struct signer_policy policy = { .authorities = options->ca,
					      .name = options->cn,
					      .now = now };
	size_t length;
	_cleanup_free_ char *chain =
		read_file(AT_FDCWD, options->signer, SIGNER_CHAIN_BYTES_MAX, &length);
	enum grant_verdict verdict;

	*signer = NULL;
	if (chain == NULL) {
		snprintf(why, SIGNER_WHY_SIZE, "%.128s cannot be read", options->signer);
		return GRANT_UNTRUSTED_CHAIN;
	}
	verdict = signer_open(chain, length, &policy, signer, why);
	return verdict == GRANT_OK ? take_staples(*signer, options->ocsp, why) : verdict;
}

/* Print the list's valid keys, and on stderr why others are refused. Returns how many are valid. */
static unsigned int print_keys(const struct options *options, const struct signer *signer,
			       time_t now, const char *list, size_t length)
{
	const struct push_policy policy = { .key = signer_key(signer),
					    .instance_id = options->instance,
					    .user = "",
					    .now = now,
					    .lifetime_max = CONFIG_LIFETIME_MAX,
					    .clock_skew = CLOCK_SKEW };
	struct blocks blocks = { .at = list, .left = length };
	char line[AUTHORIZED_LINE_SIZE];
	unsigned int count = 0;
	struct block block;

	while (blocks_next(&blocks, &block)) {
		struct grant grant = { 0 };
		enum grant_verdict verdict = block.verdict;

		if (options->fingerprint != NULL && block.fingerprint[0] != '\0' &&
		    strcmp(options->fingerprint, block.fingerprint) != 0)
			continue;
		if (verdict == GRANT_OK)
			verdict = push_verify(&block, &policy, &grant);
		if (verdict != GRANT_OK) {
			fprintf(stderr, "exc-instance-connect: block %u: %s%s%s\n", blocks.count,
				grant_verdict_name(verdict), block.hint != NULL ? ": " : "",
				block.hint != NULL ? block.hint : "");
			continue;
		}
		authorized_line_print(&grant.key, &grant.restrictions, line);
		fputs(line, stdout);
		count++;
	}
	return count;
}

int ec2_verify_main(int argc, char **argv, const char *config_path)
{
	_cleanup_(cleanup_signer_free) signer_t *signer = NULL;
	struct options options = { 0 };
	_cleanup_free_ char *list = NULL;
	char why[SIGNER_WHY_SIZE] = "";
	enum grant_verdict verdict;
	size_t length;
	time_t now;

	(void)config_path;
	if (!read_options(argc, argv, &options) || !read_now(options.now, &now))
		return usage();
	list = read_file(AT_FDCWD, options.keys, BLOCKS_BYTES_MAX, &length);
	if (list == NULL)
		return EXIT_USAGE;
	verdict = open_signer(&options, now, &signer, why);
	if (verdict != GRANT_OK) {
		fprintf(stderr, "exc-instance-connect: the signer is not trusted (%s): %s\n",
			grant_verdict_name(verdict), why);
		return EXIT_FAILURE;
	}
	return print_keys(&options, signer, now, list, length) > 0 ? EXIT_SUCCESS : EXIT_NO_KEY;
}
