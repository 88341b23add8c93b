/* SPDX-License-Identifier: Apache-2.0 */
/* Our own answer to sshd: ask the endpoint, verify, record the offer, print the key. */
#include "agent/answer.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/audit.h"
#include "agent/clock.h"
#include "agent/config.h"
#include "agent/connection.h"
#include "agent/instance.h"
#include "agent/ledger.h"
#include "agent/metadata.h"
#include "agent/paths.h"
#include "agent/problem.h"
#include "agent/stamp.h"
#include "agent/vouched_time.h"
#include "grant/authorized_line.h"
#include "grant/grant.h"
#include "grant/json.h"
#include "grant/signed_time.h"
#include "grant/trust.h"

/* Names in LEDGER_DIR, see stamp.h */
#define BACK_OFF_STAMP "endpoint.failed"

/* What sshd asks, and what answering needs. */
struct query {
	const struct config *config;
	const struct ledger *ledger;
	const char *user;
	const char *key_text; /* base64, or NULL if sshd passed no key */
	const char *key_type;
	char fingerprint[FINGERPRINT_SIZE];
	char instance_id[INSTANCE_ID_SIZE];
	char nonce[METADATA_NONCE_SIZE];
	int64_t asked; /* clock_boottime() when the endpoint was asked */
	struct trust *trust;
};

/* Find out which key is meant. False when it cannot be one of ours: no word about that. */
static bool read_key(struct query *query, const char *fingerprint)
{
	static const char prefix[] = "SHA256:";
	struct ssh_key key;

	if (query->key_text == NULL) {
		if (strlen(fingerprint) != FINGERPRINT_SIZE - 1 ||
		    strncmp(fingerprint, prefix, strlen(prefix)) != 0)
			return false;
		snprintf(query->fingerprint, sizeof query->fingerprint, "%s", fingerprint);
		return true;
	}
	if (ssh_key_parse_parts(query->key_type, strlen(query->key_type), query->key_text, &key) !=
		    GRANT_OK ||
	    !digest_fingerprint(key.blob, key.blob_length, query->fingerprint))
		return false;
	/* With FingerprintHash md5, sshd passes what no grant is compared with: the key decides. */
	return strncmp(fingerprint, prefix, strlen(prefix)) != 0 ||
	       strcmp(fingerprint, query->fingerprint) == 0;
}

static enum problem open_trust(struct query *query, char *detail)
{
	enum trust_state state = trust_open(query->config->trust_dir, &query->trust);

	switch (state) {
	case TRUST_OK:
		return PROBLEM_NONE;
	case TRUST_UNSAFE:
		snprintf(detail, PROBLEM_DETAIL_SIZE, "others than root may write %.128s",
			 query->config->trust_dir);
		return PROBLEM_TRUST_UNSAFE;
	case TRUST_TOO_MANY:
		snprintf(detail, PROBLEM_DETAIL_SIZE, "over %d files in %.128s", TRUST_FILES_MAX,
			 query->config->trust_dir);
		return PROBLEM_TRUST_UNSAFE;
	case TRUST_EMPTY:
	case TRUST_NO_MEMORY:
		break;
	}
	snprintf(detail, PROBLEM_DETAIL_SIZE, "no trust anchor can be read in %.128s",
		 query->config->trust_dir);
	return PROBLEM_TRUST_EMPTY;
}

/* Everything that must be right before the endpoint is worth asking. */
static enum problem prepare(struct query *query, char *detail)
{
	enum problem problem = open_trust(query, detail);

	if (problem != PROBLEM_NONE)
		return problem;
	if (!instance_find(query->config->instance_id, query->instance_id, NULL)) {
		snprintf(detail, PROBLEM_DETAIL_SIZE,
			 "neither SMBIOS nor cloud-init says which instance this is");
		return PROBLEM_INSTANCE_UNKNOWN;
	}
	if (!metadata_make_nonce(query->nonce)) {
		snprintf(detail, PROBLEM_DETAIL_SIZE, "the kernel has no random numbers yet");
		return PROBLEM_ENDPOINT_UNREACHABLE;
	}
	return PROBLEM_NONE;
}

/* Is the endpoint's last failure less than PROBLEM_QUIET_SECONDS ago? */
static bool is_backing_off(const struct ledger *ledger)
{
	int64_t until = stamp_read(ledger, BACK_OFF_STAMP);
	int64_t now = clock_boottime();

	return now < until && until <= now + PROBLEM_QUIET_SECONDS;
}

static void back_off(const struct ledger *ledger)
{
	stamp_write(ledger, BACK_OFF_STAMP, clock_boottime() + PROBLEM_QUIET_SECONDS);
}

/* "Now" for the grants of this answer, and whether the endpoint vouches for it. */
static time_t find_now(const struct query *query, const cJSON *answer, bool *is_vouched)
{
	const char *text = json_string(answer, "time");
	const struct signed_time_policy policy = {
		.trust = query->trust,
		.signer_name = query->config->signer_name[0] ? query->config->signer_name : NULL,
		.instance_id = query->instance_id,
		.nonce = query->nonce,
		.now = vouched_time_without(query->ledger),
	};
	enum grant_verdict verdict;
	time_t signed_time;

	*is_vouched = false;
	if (text == NULL)
		return policy.now;
	verdict = signed_time_verify(text, strlen(text), &policy, &signed_time);
	*is_vouched = verdict == GRANT_OK;
	if (verdict == GRANT_OK)
		return vouched_time_take(query->ledger, signed_time);
	problem_report(query->ledger, PROBLEM_SIGNED_TIME_INVALID, query->user,
		       grant_verdict_name(verdict));
	return policy.now;
}

static void audit_grant(const struct query *query, const struct grant *grant,
			enum audit_event event, const char *reason)
{
	const struct audit_record record = { .event = event,
					     .user = query->user,
					     .caller = grant->caller,
					     .jti = grant->jti,
					     .fingerprint = query->fingerprint,
					     .request_id = grant->request_id,
					     .reason = reason };

	audit_write(&record);
}

void answer_print(const char *text, size_t length)
{
	while (length > 0) {
		ssize_t written = write(STDOUT_FILENO, text, length);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return;
		text += written;
		length -= (size_t)written;
	}
}

/* One write, so that a crash leaves all or nothing. */
static void print_line(const struct grant *grant)
{
	char line[AUTHORIZED_LINE_SIZE];

	answer_print(line, authorized_line_print(&grant->key, &grant->restrictions, line));
}

static void report_ledger(const struct ledger *ledger, const char *user)
{
	char detail[PROBLEM_DETAIL_SIZE];

	snprintf(detail, sizeof detail, LEDGER_DIR ": %s", strerror(errno));
	problem_report(ledger, PROBLEM_LEDGER_UNAVAILABLE, user, detail);
}

/* Record the offer, and only then print the key. True when this ends the search. */
static bool offer(const struct query *query, const struct grant *grant, time_t now)
{
	const bool bind = query->config->single_use == SINGLE_USE_CONNECTION;
	struct offer record = { .deadline = clock_boottime() + (grant->expires - now) };
	struct connection connection;
	char key_hash[DIGEST_HEX_SIZE];
	enum ledger_result result = LEDGER_UNAVAILABLE;

	if (query->config->single_use == SINGLE_USE_NO) {
		audit_grant(query, grant, AUDIT_OFFERED, NULL);
		print_line(grant);
		return true;
	}
	snprintf(record.jti, sizeof record.jti, "%s", grant->jti);
	snprintf(record.caller, sizeof record.caller, "%s", grant->caller);
	snprintf(record.request_id, sizeof record.request_id, "%s", grant->request_id);
	snprintf(record.user, sizeof record.user, "%s", grant->user);
	snprintf(record.fingerprint, sizeof record.fingerprint, "%s", grant->fingerprint);
	connection_of_ancestors(&connection);
	/* Bound to a process that is no sshd, a key would be lost to whoever ran this by hand. */
	if (bind && !connection.is_sshd) {
		problem_report(query->ledger, PROBLEM_CONNECTION_UNKNOWN, query->user,
			       "no sshd is seen to ask");
		return true;
	}
	if (digest_hex(grant->key.blob, grant->key.blob_length, key_hash))
		result = ledger_offer(query->ledger, key_hash, &record, &connection, bind);
	switch (result) {
	case LEDGER_OFFERED:
		audit_grant(query, grant, AUDIT_OFFERED, NULL);
		print_line(grant);
		return true;
	case LEDGER_OFFERED_BEFORE:
		print_line(grant);
		return true;
	case LEDGER_ALREADY_USED:
		audit_grant(query, grant, AUDIT_REPLAYED, "already_used");
		return false;
	default:
		report_ledger(query->ledger, query->user);
		return true;
	}
}

/* The earliest second in which a grant can have been issued after this boot, when the ledger was
 * empty: what is not known for sure counts as before it. */
static time_t find_boot(const struct query *query, time_t now, bool is_vouched)
{
	return clock_started(now, query->asked) + CLOCK_STARTED_ERROR +
	       (time_t)(is_vouched ? 0 : query->config->clock_skew);
}

/* Look through the answer's grants for one that holds. */
static void choose(const struct query *query, const cJSON *answer)
{
	const cJSON *grants = json_member(answer, "grants");
	bool is_vouched;
	const time_t now = find_now(query, answer, &is_vouched);
	const struct grant_policy policy = {
		.trust = query->trust,
		.signer_name = query->config->signer_name[0] ? query->config->signer_name : NULL,
		.instance_id = query->instance_id,
		.user = query->user,
		.fingerprint = query->fingerprint,
		.now = now,
		.boot = find_boot(query, now, is_vouched),
		.lifetime_max = query->config->max_key_lifetime,
		.clock_skew = query->config->clock_skew,
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
		if (verdict == GRANT_OK && offer(query, &grant, now))
			return;
		/* A user's other live grants are for other keys: nothing is wrong with them. */
		if (verdict != GRANT_OK && verdict != GRANT_WRONG_FINGERPRINT)
			audit_grant(query, &grant, AUDIT_REFUSED, grant_verdict_name(verdict));
	}
}

static bool has_grants(const cJSON *answer)
{
	const cJSON *grants = json_member(answer, "grants");

	return cJSON_IsArray(grants) && grants->child != NULL;
}

/* Ask, verify, offer. Returns what kept it from being done, with `detail` set. */
static enum problem find_key(struct query *query, char *detail)
{
	_cleanup_json_ cJSON *answer = NULL;
	enum problem problem = prepare(query, detail);

	if (problem != PROBLEM_NONE)
		return problem;
	if (is_backing_off(query->ledger))
		return PROBLEM_NONE;
	query->asked = clock_boottime();
	problem = metadata_get_grants(query->config, query->user, query->fingerprint, query->nonce,
				      &answer, detail);
	if (problem == PROBLEM_NONE && answer != NULL &&
	    !cJSON_IsArray(json_member(answer, "grants"))) {
		snprintf(detail, PROBLEM_DETAIL_SIZE, "%.128s answered without a list of grants",
			 query->config->metadata_url);
		problem = PROBLEM_ANSWER_MALFORMED;
	}
	if (problem != PROBLEM_NONE) {
		back_off(query->ledger);
		return problem;
	}
	if (answer == NULL || !has_grants(answer))
		return PROBLEM_NONE;
	if (trust_load(query->trust) != TRUST_OK) {
		snprintf(detail, PROBLEM_DETAIL_SIZE, "no file in %.128s holds a key or a CA",
			 query->config->trust_dir);
		return PROBLEM_TRUST_EMPTY;
	}
	choose(query, answer);
	ledger_sweep(query->ledger);
	return PROBLEM_NONE;
}

static void serve(const struct config *config, const struct ledger *ledger,
		  const struct key_query *asked)
{
	struct query query = { .config = config,
			       .ledger = ledger,
			       .user = asked->user,
			       .key_type = asked->key_type,
			       .key_text = asked->key };
	char detail[PROBLEM_DETAIL_SIZE] = "";
	enum problem problem;

	if (!grant_user_is_valid(query.user)) {
		problem_report(ledger, PROBLEM_USER_NAME_INVALID, query.user,
			       "nothing is asked for this name");
		return;
	}
	if (config_denies(config, query.user) || !read_key(&query, asked->fingerprint))
		return;
	problem = find_key(&query, detail);
	if (problem != PROBLEM_NONE)
		problem_report(ledger, problem, query.user, detail);
	trust_free(query.trust);
}

void answer(const struct config *config, const char *wrong, const struct key_query *asked)
{
	struct ledger ledger;

	if (!ledger_open(&ledger, LEDGER_DIR)) {
		report_ledger(NULL, asked->user);
		return;
	}
	if (wrong == NULL)
		serve(config, &ledger, asked);
	else
		problem_report(&ledger, PROBLEM_CONFIG_INVALID, asked->user, wrong);
	ledger_close(&ledger);
}
