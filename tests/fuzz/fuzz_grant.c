/* SPDX-License-Identifier: Apache-2.0 */
/* A grant: signed again after every mutation, so that every check of its claims is reached.
 *
 * The input is a byte that says who signs and how, the header, a line feed, and the claims. Signer
 * RAW: the rest is the grant as it comes. */
#include "fuzz.h"

#include "grant/authorized_line.h"
#include "base/cleanup.h"
#include "grant/grant.h"
#include "grant/jws.h"
#include "signers.h"

#define SIGNER_MASK 0x0f
#define RAW SIGNERS
#define ASK_NAME 0x10
#define SPOIL 0x20 /* change a character of the signature */
#define ANY_KEY 0x40 /* the offered key is the grant's, whichever that is */
#define LONG 0x80 /* more bytes than a grant may have */

static struct trust *trust;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	signers_make();
	must(trust_open(signers_directory(), &trust) == TRUST_OK && trust_load(trust) == TRUST_OK);
	return 0;
}

static void spoil(char *text)
{
	char *signature = strrchr(text, '.') + 1, *at = signature + strlen(signature) / 2;

	if (*at != '\0')
		*at = *at == 'A' ? 'B' : 'A';
}

/* What a grant that holds is known to be */
static void check_fields(const struct grant *grant, const struct grant_policy *policy)
{
	char line[AUTHORIZED_LINE_SIZE];
	size_t length = authorized_line_print(&grant->key, &grant->restrictions, line);

	must(strcmp(grant->user, policy->user) == 0);
	must(strcmp(grant->fingerprint, policy->fingerprint) == 0);
	must(strlen(grant->jti) >= GRANT_JTI_MIN && grant->caller[0] != '\0' &&
	     grant->request_id[0] != '\0' && grant->issuer[0] != '\0');
	must(policy->now < grant->expires && grant->issued <= policy->now + policy->clock_skew &&
	     grant->issued >= policy->boot &&
	     grant->expires - grant->issued <= policy->lifetime_max);
	must(length == strlen(line) && length < AUTHORIZED_LINE_SIZE &&
	     strchr(line, '\n') == line + length - 1);
}

static void verify(const char *text, size_t length, uint8_t flags, bool may_hold)
{
	struct grant_policy policy = { .trust = trust,
				       .signer_name = flags & ASK_NAME ? SIGNERS_NAME : NULL,
				       .instance_id = SIGNERS_INSTANCE,
				       .user = SIGNERS_USER,
				       .fingerprint = SIGNERS_FINGERPRINT,
				       .now = SIGNERS_NOW,
				       .boot = SIGNERS_NOW - 50,
				       .lifetime_max = 60,
				       .clock_skew = 5 };
	char fingerprint[FINGERPRINT_SIZE];
	struct grant grant;
	enum grant_verdict verdict = grant_verify(text, length, &policy, &grant);

	if (verdict == GRANT_WRONG_FINGERPRINT && (flags & ANY_KEY) != 0) {
		memcpy(fingerprint, grant.fingerprint, sizeof fingerprint);
		policy.fingerprint = fingerprint;
		verdict = grant_verify(text, length, &policy, &grant);
		must(verdict != GRANT_WRONG_FINGERPRINT);
	}
	/* Nothing of a grant is believed whose signature is not good. */
	must(may_hold || (verdict != GRANT_OK && grant.jti[0] == '\0' && grant.caller[0] == '\0'));
	/* There is memory: this would say that cJSON refuses what our own grammar has taken. */
	must(verdict != GRANT_NO_MEMORY);
	must(strcmp(grant_verdict_name(verdict), "unknown") != 0);
	if (verdict == GRANT_OK)
		check_fields(&grant, &policy);
}

/* The same with something after it; the caller frees. */
static char *lengthen(char *text)
{
	size_t length = strlen(text);

	text = realloc(text, length + JWS_BYTES_MAX + 2);
	must(text != NULL);
	memset(text + length, 'A', JWS_BYTES_MAX + 1);
	text[length + JWS_BYTES_MAX + 1] = '\0';
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	const uint8_t *line_feed = length == 0 ? NULL : memchr(bytes, '\n', length);
	uint8_t flags = length == 0 ? 0 : bytes[0];
	unsigned int signer = flags & SIGNER_MASK;
	_cleanup_free_ char *header = NULL, *text = NULL;

	if (signer == RAW) {
		text = fuzz_text(bytes + 1, length - 1);
		verify(text, length - 1, flags, false);
		return 0;
	}
	if (line_feed == NULL || line_feed == bytes)
		return 0;
	header = fuzz_text(bytes + 1, (size_t)(line_feed - bytes - 1));
	text = signers_sign(signer, header, line_feed + 1,
			    length - (size_t)(line_feed + 1 - bytes));
	if ((flags & SPOIL) != 0)
		spoil(text);
	if ((flags & LONG) != 0)
		text = lengthen(text);
	verify(text, strlen(text), flags,
	       (flags & (SPOIL | LONG)) == 0 && signers_may_hold(signer, (flags & ASK_NAME) != 0));
	return 0;
}
