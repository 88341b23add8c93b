/* SPDX-License-Identifier: Apache-2.0 */
/* Say of each grant on standard input whether it holds, for tests/fuzz/differential.
 *
 * verdicts TRUST-DIRECTORY INSTANCE USER NOW BOOT: each grant is its length and the offered key's
 * fingerprint in a line, and then so many bytes. Prints a verdict's name for each, in a line. */
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "grant/grant.h"

/* Longer ones are generated too, but not much. */
#define BYTES_MAX (1024 * 1024)

int main(int argc, char **argv)
{
	struct grant_policy policy = { .lifetime_max = 60, .clock_skew = 5 };
	char fingerprint[FINGERPRINT_SIZE];
	size_t length;

	if (argc != 6 || trust_open(argv[1], &policy.trust) != TRUST_OK) {
		fprintf(stderr, "verdicts TRUST-DIRECTORY INSTANCE USER NOW BOOT\n");
		return 2;
	}
	policy.instance_id = argv[2];
	policy.user = argv[3];
	policy.now = atoll(argv[4]);
	policy.boot = atoll(argv[5]);
	policy.fingerprint = fingerprint;
	while (scanf("%zu %50s", &length, fingerprint) == 2 && getchar() == '\n') {
		/* Of just its size, so that reading past it is seen */
		_cleanup_free_ char *text =
			length > BYTES_MAX ? NULL : malloc(length == 0 ? 1 : length);
		struct grant grant;

		if (text == NULL || fread(text, 1, length, stdin) != length)
			return 2;
		puts(grant_verdict_name(grant_verify(text, length, &policy, &grant)));
	}
	trust_free(policy.trust);
	return 0;
}
