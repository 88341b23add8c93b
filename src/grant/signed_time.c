/* SPDX-License-Identifier: Apache-2.0 */
/* The endpoint's signed statement of what time it is. */
#include "grant/signed_time.h"

#include <string.h>

#include "grant/grant.h"
#include "base/json.h"
#include "grant/jws.h"

enum grant_verdict signed_time_verify(const char *text, size_t length,
				      const struct signed_time_policy *policy, time_t *time)
{
	const struct jws_policy jws = { .typ = SIGNED_TIME_TYP,
					.trust = policy->trust,
					.signer_name = policy->signer_name,
					.now = policy->now };
	_cleanup_json_ cJSON *claims = NULL;
	enum grant_verdict verdict = jws_verify(text, length, &jws, &claims);
	const char *nonce;
	int64_t issued;

	if (verdict != GRANT_OK)
		return verdict;
	if (!grant_audience_is(claims, policy->instance_id))
		return GRANT_WRONG_INSTANCE;
	nonce = json_string(claims, "nonce");
	if (nonce == NULL || strcmp(nonce, policy->nonce) != 0)
		return GRANT_WRONG_NONCE;
	if (!json_integer(claims, "iat", &issued))
		return GRANT_BAD_CLAIM;
	*time = (time_t)issued;
	return GRANT_OK;
}
