/* SPDX-License-Identifier: Apache-2.0 */
/* excloud: signed grants (JWS) from the metadata endpoint, checked with local trust anchors. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "agent/config/config.h"
#include "agent/config/instance_id.h"
#include "agent/provider/excloud_endpoint.h"
#include "ledger/journal.h"
#include "ledger/paths.h"
#include "agent/config/problem_report.h"
#include "agent/provider/provider.h"
#include "agent/provider/clock_skew.h"
#include "agent/provider/vouched_time.h"
#include "base/json.h"
#include "grant/algorithm.h"
#include "grant/signed_time.h"
#include "grant/trust.h"

/* What verifying the answer needs. */
struct excloud_lookup {
	const struct login_attempt *attempt;
	const struct provider_sink *sink;
	char instance_id[INSTANCE_ID_SIZE];
	char nonce[METADATA_NONCE_SIZE];
	int64_t asked; /* clock_boottime_ns() when the endpoint was asked */
	struct trust *trust;
	bool is_trust_loaded; /* there is a key or a CA in it */
};

static enum problem open_trust(struct excloud_lookup *lookup, char *detail)
{
	const char *directory = lookup->attempt->config->trust_dir;

	switch (trust_open(directory, &lookup->trust)) {
	case TRUST_OK:
		return PROBLEM_NONE;
	case TRUST_UNSAFE:
		snprintf(detail, PROBLEM_DETAIL_SIZE, "users other than root may write %.128s",
			 directory);
		return PROBLEM_TRUST_UNSAFE;
	case TRUST_TOO_MANY:
		snprintf(detail, PROBLEM_DETAIL_SIZE, "there are over %d files in %.128s",
			 TRUST_FILES_MAX, directory);
		return PROBLEM_TRUST_UNSAFE;
	case TRUST_EMPTY:
	case TRUST_NO_MEMORY:
		break;
	}
	snprintf(detail, PROBLEM_DETAIL_SIZE, "no trust anchor can be read in %.128s", directory);
	return PROBLEM_TRUST_EMPTY;
}

/* Check everything that must be right before asking the endpoint. */
static enum problem prepare(struct excloud_lookup *lookup, char *detail)
{
	enum problem problem = open_trust(lookup, detail);

	if (problem != PROBLEM_NONE)
		return problem;
	if (!instance_find(lookup->attempt->config->instance_id, lookup->instance_id, NULL)) {
		snprintf(detail, PROBLEM_DETAIL_SIZE,
			 "neither SMBIOS nor cloud-init says which instance this is");
		return PROBLEM_INSTANCE_UNKNOWN;
	}
	if (!metadata_make_nonce(lookup->nonce)) {
		snprintf(detail, PROBLEM_DETAIL_SIZE, "the kernel has no random numbers yet");
		return PROBLEM_ENDPOINT_UNREACHABLE;
	}
	return PROBLEM_NONE;
}

static const char *signer_name(const struct config *config)
{
	return config->signer_name[0] == '\0' ? NULL : config->signer_name;
}

/* "Now" for the grants of an answer. */
struct moment {
	time_t now;
	bool is_vouched; /* by the endpoint's signed time */
	/* What is wrong with the endpoint's signed time: then no grant beside it is accepted.
	 * Falling back to the local clock would accept an old answer where that clock is slow. */
	enum grant_verdict wrong; /* or GRANT_OK */
	time_t ahead; /* seconds that an earlier signed time is ahead of this answer's */
};

static struct moment find_now(const struct excloud_lookup *lookup, const cJSON *answer)
{
	const struct login_attempt *attempt = lookup->attempt;
	const char *text = json_string(answer, "time");
	const struct signed_time_policy policy = {
		.trust = lookup->trust,
		.signer_name = signer_name(attempt->config),
		.instance_id = lookup->instance_id,
		.nonce = lookup->nonce,
		.now = vouched_time_without(attempt->ledger),
	};
	struct moment moment = { .now = policy.now, .wrong = GRANT_OK };
	time_t signed_time;

	if (text == NULL)
		return moment;
	moment.wrong = signed_time_verify(text, strlen(text), &policy, &signed_time);
	if (moment.wrong == GRANT_OK) {
		moment.is_vouched = true;
		moment.now = vouched_time_take(attempt->ledger, signed_time);
		moment.ahead = moment.now - signed_time;
		return moment;
	}
	problem_report(attempt->ledger, PROBLEM_SIGNED_TIME_INVALID, attempt->user,
		       moment.wrong == GRANT_ALGORITHM_UNAVAILABLE
			       ? algorithm_advice()
			       : grant_verdict_name(moment.wrong));
	return moment;
}

/* By how much the clock that shows `now` may differ from the issuer's: a signed time comes from the
 * issuer's. */
static time_t find_skew(const struct excloud_lookup *lookup, const struct moment *moment)
{
	return (time_t)(moment->is_vouched ? 0 : lookup->attempt->config->clock_skew);
}

/* The earliest second in which a grant can have been issued after this boot, when the ledger was
 * empty: when in doubt, a grant counts as older. */
static time_t find_boot(const struct excloud_lookup *lookup, const struct moment *moment)
{
	return clock_started(moment->now, lookup->asked / CLOCK_NS_PER_SECOND) +
	       CLOCK_STARTED_ERROR + find_skew(lookup, moment);
}

/* The same since this ledger was made, if uses are recorded there. */
static time_t find_ledger(const struct excloud_lookup *lookup, const struct moment *moment)
{
	if (lookup->attempt->config->single_use == SINGLE_USE_NO)
		return 0;
	return ledger_earliest_grant(lookup->attempt->ledger_made, lookup->asked, moment->now) +
	       find_skew(lookup, moment);
}

/* What else is known about a refusal, for the log: false if nothing is. */
static bool explain(const struct excloud_lookup *lookup, const struct moment *moment,
		    enum grant_verdict verdict, const struct grant *grant, char *detail)
{
	const struct ledger *ledger = lookup->attempt->ledger;

	if (verdict == GRANT_ALGORITHM_UNAVAILABLE) {
		snprintf(detail, PROBLEM_DETAIL_SIZE, "%s", algorithm_advice());
		return true;
	}
	if (verdict == moment->wrong) {
		snprintf(detail, PROBLEM_DETAIL_SIZE, "the endpoint's signed time is not valid");
		return true;
	}
	if (!moment->is_vouched)
		return vouched_time_earliest(ledger) < moment->now &&
		       skew_explain(ledger, verdict, grant, moment->now, detail);
	if (verdict != GRANT_EXPIRED ||
	    moment->ahead <= (time_t)lookup->attempt->config->clock_skew)
		return false;
	snprintf(detail, PROBLEM_DETAIL_SIZE,
		 "a time %lld seconds ahead of the endpoint's was signed before; if that was "
		 "wrong: rm " LEDGER_DIR "/" VOUCHED_TIME_STAMP,
		 (long long)moment->ahead);
	return true;
}

static void refuse(const struct excloud_lookup *lookup, const struct moment *moment,
		   enum grant_verdict verdict, const struct grant *grant)
{
	const struct provider_sink *sink = lookup->sink;
	char detail[PROBLEM_DETAIL_SIZE];
	const bool is_explained = explain(lookup, moment, verdict, grant, detail);

	sink->refuse(sink->context, grant, verdict, is_explained ? detail : NULL);
}

/* Refuse an answer that has grants but no signed time. Anyone between the endpoint and us can
 * remove it, and if our own clock is slow, an old key would then be valid. This is logged once,
 * however many grants there are: none of them is read. */
static bool refuse_without_time(const struct excloud_lookup *lookup, const cJSON *answer)
{
	const struct provider_sink *sink = lookup->sink;
	const struct grant unread = { 0 };

	if (!lookup->attempt->config->signed_time_required || json_string(answer, "time") != NULL)
		return false;
	sink->refuse(sink->context, &unread, GRANT_TIME_MISSING,
		     "the endpoint sent grants without its signed time, or it was removed; "
		     "have the endpoint sign it, see signed_time in exc-instance-connect.conf(5)");
	return true;
}

/* Look through the answer's grants for a valid one. */
static void choose(const struct excloud_lookup *lookup, const cJSON *answer)
{
	const struct config *config = lookup->attempt->config;
	const struct provider_sink *sink = lookup->sink;
	const cJSON *grants = json_member(answer, "grants");
	const struct moment moment = find_now(lookup, answer);
	const struct grant_policy policy = {
		.trust = lookup->trust,
		.signer_name = signer_name(config),
		.instance_id = lookup->instance_id,
		.user = lookup->attempt->user,
		.fingerprint = lookup->attempt->fingerprint,
		.now = moment.now,
		.boot = find_boot(lookup, &moment),
		.ledger = find_ledger(lookup, &moment),
		.lifetime_max = config->max_key_lifetime,
		.clock_skew = config->clock_skew,
	};
	unsigned int seen = 0;
	const cJSON *element;

	cJSON_ArrayForEach(element, grants)
	{
		const char *text = cJSON_GetStringValue(element);
		enum grant_verdict verdict;
		struct grant grant;

		if (++seen > METADATA_GRANTS_MAX)
			return;
		verdict = grant_verify(text == NULL ? "" : text, text == NULL ? 0 : strlen(text),
				       &policy, &grant);
		if (verdict == GRANT_OK)
			verdict = moment.wrong;
		if (verdict == GRANT_OK && sink->take(sink->context, &grant, moment.now))
			return;
		/* A user's other live grants are for other keys: that is not an error. */
		if (verdict != GRANT_OK && verdict != GRANT_WRONG_FINGERPRINT)
			refuse(lookup, &moment, verdict, &grant);
	}
}

/* What takes time, and most answers will need, while the fetch program is still starting. */
static void make_ready(void *context)
{
	struct excloud_lookup *lookup = context;

	lookup->is_trust_loaded = trust_load(lookup->trust) == TRUST_OK;
	journal_prepare();
}

static bool has_grants(const cJSON *answer)
{
	const cJSON *grants = json_member(answer, "grants");

	return cJSON_IsArray(grants) && grants->child != NULL;
}

static enum problem find_grants(struct excloud_lookup *lookup, char *detail)
{
	const struct config *config = lookup->attempt->config;
	_cleanup_json_ cJSON *answer = NULL;
	enum problem problem = prepare(lookup, detail);

	if (problem != PROBLEM_NONE)
		return problem;
	lookup->asked = clock_boottime_ns();
	problem = metadata_get_grants(config, lookup->attempt->user, lookup->attempt->fingerprint,
				      lookup->nonce, make_ready, lookup, &answer, detail);
	if (problem != PROBLEM_NONE || answer == NULL)
		return problem;
	if (!cJSON_IsArray(json_member(answer, "grants"))) {
		snprintf(detail, PROBLEM_DETAIL_SIZE, "%.128s answered without a list of grants",
			 config->metadata_url);
		return PROBLEM_ANSWER_MALFORMED;
	}
	if (!has_grants(answer))
		return PROBLEM_NONE;
	if (!lookup->is_trust_loaded) {
		if (trust_unavailable(lookup->trust) > 0)
			snprintf(detail, PROBLEM_DETAIL_SIZE, "%.100s: %s", config->trust_dir,
				 algorithm_advice());
		else
			snprintf(detail, PROBLEM_DETAIL_SIZE,
				 "no file in %.128s holds a key or a CA", config->trust_dir);
		return PROBLEM_TRUST_EMPTY;
	}
	if (!refuse_without_time(lookup, answer))
		choose(lookup, answer);
	return PROBLEM_NONE;
}

static enum problem find_all(const struct login_attempt *attempt, const struct provider_sink *sink,
			     char *detail)
{
	struct excloud_lookup lookup = { .attempt = attempt, .sink = sink };
	enum problem problem = find_grants(&lookup, detail);

	trust_free(lookup.trust);
	return problem;
}

const struct provider provider_excloud = {
	.find = find_all,
	.send_receipts = metadata_post_receipts,
	.send_host_keys = metadata_put_host_keys,
};
