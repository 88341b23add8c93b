/* SPDX-License-Identifier: Apache-2.0 */
/* A grant: one user's right to log in to one instance with one key for a minute. */
#include "grant/grant.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/json.h"
#include "grant/jws.h"

/* Copy a claim that people will read in a journal: at least `min` bytes, no control characters,
 * and room in `out` of `size` bytes. */
static bool copy_text(const cJSON *claims, const char *name, size_t min, char *out, size_t size)
{
	const char *text = json_string(claims, name);
	size_t length = text == NULL ? 0 : strlen(text);

	out[0] = '\0';
	if (text == NULL || length < min || length >= size)
		return false;
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			return false;
	memcpy(out, text, length + 1);
	return true;
}

static bool is_token(const char *text)
{
	for (; *text != '\0'; text++)
		if (!((*text >= '0' && *text <= '9') || (*text >= 'A' && *text <= 'Z') ||
		      (*text >= 'a' && *text <= 'z') || strchr("._:-", *text) != NULL))
			return false;
	return true;
}

/* The claims that identify a grant in the journal. */
static bool read_names(const cJSON *claims, struct grant *grant)
{
	bool good = copy_text(claims, "jti", GRANT_JTI_MIN, grant->jti, sizeof grant->jti);

	if (good && !is_token(grant->jti)) {
		grant->jti[0] = '\0';
		good = false;
	}
	/* No early exit: everything well-formed is worth having in the journal. */
	good &= copy_text(claims, "iss", 1, grant->issuer, sizeof grant->issuer);
	good &= copy_text(claims, "caller", 1, grant->caller, sizeof grant->caller);
	good &= copy_text(claims, "request_id", 1, grant->request_id, sizeof grant->request_id);
	return good;
}

bool grant_audience_is(const cJSON *claims, const char *instance_id)
{
	const char *audience = json_string(claims, "aud");
	size_t prefix = strlen(GRANT_AUDIENCE_PREFIX);

	return audience != NULL && strncmp(audience, GRANT_AUDIENCE_PREFIX, prefix) == 0 &&
	       strcmp(audience + prefix, instance_id) == 0;
}

static enum grant_verdict check_times(const cJSON *claims, const struct grant_policy *policy,
				      struct grant *grant)
{
	int64_t issued, expires, not_before;
	int64_t now = policy->now;

	if (!json_integer(claims, "iat", &issued) || !json_integer(claims, "exp", &expires))
		return GRANT_BAD_CLAIM;
	grant->issued = (time_t)issued;
	grant->expires = (time_t)expires;
	not_before = issued;
	if (json_member(claims, "nbf") != NULL && !json_integer(claims, "nbf", &not_before))
		return GRANT_BAD_CLAIM;
	if (issued > now + policy->clock_skew)
		return GRANT_ISSUED_IN_FUTURE;
	if (not_before > now + policy->clock_skew)
		return GRANT_NOT_YET_VALID;
	if (now >= expires)
		return GRANT_EXPIRED;
	if (expires - issued > policy->lifetime_max)
		return GRANT_LIFETIME_TOO_LONG;
	if (issued < policy->boot)
		return GRANT_ISSUED_BEFORE_BOOT;
	if (issued < policy->ledger)
		return GRANT_ISSUED_BEFORE_LEDGER;
	return GRANT_OK;
}

static enum grant_verdict check_key(const cJSON *claims, const struct grant_policy *policy,
				    struct grant *grant)
{
	const char *text = json_string(claims, "ssh_key");
	enum grant_verdict verdict;

	if (text == NULL)
		return GRANT_BAD_CLAIM;
	verdict = grant_verdict_of_ssh_key(ssh_key_parse(text, &grant->key));
	if (verdict != GRANT_OK)
		return verdict;
	if (!digest_fingerprint(grant->key.blob, grant->key.blob_length, grant->fingerprint))
		return GRANT_NO_MEMORY;
	return strcmp(grant->fingerprint, policy->fingerprint) == 0 ? GRANT_OK
								    : GRANT_WRONG_FINGERPRINT;
}

static enum grant_verdict check_claims(const cJSON *claims, const struct grant_policy *policy,
				       struct grant *grant)
{
	bool named = read_names(claims, grant);
	const char *user = json_string(claims, "sub");
	enum grant_verdict verdict;

	if (!grant_audience_is(claims, policy->instance_id))
		return GRANT_WRONG_INSTANCE;
	if (user == NULL || strcmp(user, policy->user) != 0 || strlen(user) >= sizeof grant->user)
		return GRANT_WRONG_USER;
	memcpy(grant->user, user, strlen(user) + 1);
	if (!named)
		return GRANT_BAD_CLAIM;
	verdict = check_times(claims, policy, grant);
	if (verdict == GRANT_OK)
		verdict = check_key(claims, policy, grant);
	if (verdict == GRANT_OK)
		verdict = restrict_parse(json_member(claims, "restrict"), &grant->restrictions);
	return verdict;
}

enum grant_verdict grant_verify(const char *text, size_t length, const struct grant_policy *policy,
				struct grant *grant)
{
	const struct jws_policy jws = { .typ = GRANT_TYP,
					.trust = policy->trust,
					.signer_name = policy->signer_name,
					.now = policy->now };
	_cleanup_json_ cJSON *claims = NULL;
	enum grant_verdict verdict;

	memset(grant, 0, sizeof *grant);
	verdict = jws_verify(text, length, &jws, &claims);
	if (verdict != GRANT_OK)
		return verdict;
	return check_claims(claims, policy, grant);
}
