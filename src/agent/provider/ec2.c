/* SPDX-License-Identifier: Apache-2.0 */
/* EC2: keys that were pushed with EC2 Instance Connect, from its metadata service. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "agent/provider/ec2_service.h"
#include "agent/provider/imds.h"
#include "agent/config/instance_id.h"
#include "agent/config/problem_report.h"
#include "agent/provider/provider.h"
#include "ec2/pushed_list.h"
#include "ec2/pushed_key.h"
#include "base/cleanup.h"

#define ACTIVE_KEYS "managed-ssh-keys/active-keys/"
/* Blocks with the offered key whose signature is verified */
#define CANDIDATES_MAX 16

typedef struct signer signer_t;
DEFINE_CLEANUP(signer_t, signer_free);

/* One question, while it is answered. */
struct ec2_lookup {
	const struct login_attempt *attempt;
	const struct provider_sink *sink;
	int64_t asked; /* clock_boottime_ns(), just before… */
	time_t now; /* … the wall clock showed this */
	struct imds imds;
	struct http_answer keys; /* the user's list */
	char instance_id[INSTANCE_ID_SIZE];
};

/* Ask for the user's list; its length is 0 if there is none. */
static enum problem get_keys(struct ec2_lookup *lookup, char *detail)
{
	char user[HTTP_ESCAPED_SIZE(GRANT_USER_SIZE)], path[IMDS_PATH_SIZE];
	enum problem problem;

	http_escape(lookup->attempt->user, user);
	snprintf(path, sizeof path, ACTIVE_KEYS "%s/", user);
	problem = imds_get(&lookup->imds, path, BLOCKS_BYTES_MAX, &lookup->keys, detail);
	if (problem == PROBLEM_NONE && lookup->keys.status == 404)
		http_free(&lookup->keys);
	return problem;
}

/* The next block that has the offered key. */
static bool next_candidate(const struct ec2_lookup *lookup, struct blocks *blocks,
			   struct block *block)
{
	/* Bounded by BLOCKS_MAX */
	while (blocks_next(blocks, block))
		if (strcmp(block->fingerprint, lookup->attempt->fingerprint) == 0)
			return true;
	return false;
}

static struct blocks list_of(const struct ec2_lookup *lookup)
{
	return (struct blocks){ .at = lookup->keys.body, .left = lookup->keys.length };
}

/* Is the offered key in the list at all? Most keys are not. */
static bool has_candidate(const struct ec2_lookup *lookup)
{
	struct blocks blocks = list_of(lookup);
	struct block block;

	return next_candidate(lookup, &blocks, &block);
}

/* Otherwise an unreadable list would be as silent as an empty one. */
static void say_unreadable(const struct ec2_lookup *lookup)
{
	struct blocks blocks = list_of(lookup);
	char detail[PROBLEM_DETAIL_SIZE];
	struct block block;

	while (blocks_next(&blocks, &block)) {
		if (block.verdict != GRANT_BAD_ENCODING)
			continue;
		snprintf(detail, sizeof detail, "block %u of the list of keys cannot be read: %s",
			 blocks.count, grant_verdict_name(block.verdict));
		problem_report(lookup->attempt->ledger, PROBLEM_ANSWER_MALFORMED,
			       lookup->attempt->user, detail);
		return;
	}
}

/* The ledger is empty after a boot: if it is used, the time of the push matters too. */
static time_t find_boot(const struct ec2_lookup *lookup)
{
	const struct config *config = lookup->attempt->config;

	if (config->single_use == SINGLE_USE_NO)
		return 0;
	return clock_started(lookup->now, lookup->asked / CLOCK_NS_PER_SECOND) +
	       CLOCK_STARTED_ERROR + (time_t)config->clock_skew;
}

/* The same since this ledger was made. */
static time_t find_ledger(const struct ec2_lookup *lookup)
{
	const struct config *config = lookup->attempt->config;

	if (config->single_use == SINGLE_USE_NO)
		return 0;
	return ledger_earliest_grant(lookup->attempt->ledger_made, lookup->asked, lookup->now) +
	       (time_t)config->clock_skew;
}

/* Verify the blocks that have the offered key, until one is taken. */
static void choose(const struct ec2_lookup *lookup, const struct signer *signer)
{
	const struct config *config = lookup->attempt->config;
	const struct provider_sink *sink = lookup->sink;
	const struct push_policy policy = { .key = signer_key(signer),
					    .instance_id = lookup->instance_id,
					    .user = lookup->attempt->user,
					    .now = lookup->now,
					    .boot = find_boot(lookup),
					    .ledger = find_ledger(lookup),
					    .lifetime_max = config->max_key_lifetime,
					    .clock_skew = config->clock_skew };
	struct blocks blocks = list_of(lookup);
	struct block block;

	for (unsigned int i = 0; i < CANDIDATES_MAX && next_candidate(lookup, &blocks, &block);
	     i++) {
		struct grant grant = { 0 };
		enum grant_verdict verdict = block.verdict;

		if (verdict == GRANT_OK)
			verdict = push_verify(&block, &policy, &grant);
		if (verdict != GRANT_OK)
			sink->refuse(sink->context, &grant, verdict, block.hint);
		else if (sink->take(sink->context, &grant, lookup->now))
			return;
	}
}

static enum problem find_keys(struct ec2_lookup *lookup, char *detail)
{
	_cleanup_(cleanup_signer_free) signer_t *signer = NULL;
	const struct provider_sink *sink = lookup->sink;
	const struct grant nobodys = { 0 };
	enum grant_verdict verdict;
	char name[SIGNER_NAME_SIZE];
	enum problem problem;
	const char *source;

	problem = imds_open(&lookup->imds, lookup->attempt->config, detail);
	if (problem == PROBLEM_NONE)
		problem = get_keys(lookup, detail);
	if (problem != PROBLEM_NONE || lookup->keys.length == 0)
		return problem;
	if (!has_candidate(lookup)) {
		say_unreadable(lookup);
		return PROBLEM_NONE;
	}
	problem = ec2_get_instance(&lookup->imds, lookup->attempt->config, lookup->instance_id,
				   &source, detail);
	if (problem == PROBLEM_NONE)
		problem = ec2_get_signer_name(&lookup->imds, name, detail);
	if (problem == PROBLEM_NONE)
		problem =
			ec2_get_signer(&lookup->imds, name, lookup->now, &signer, &verdict, detail);
	if (problem != PROBLEM_NONE)
		return problem;
	if (verdict == GRANT_OK)
		choose(lookup, signer);
	else
		sink->refuse(sink->context, &nobodys, verdict, detail);
	return PROBLEM_NONE;
}

static enum problem find_all(const struct login_attempt *attempt, const struct provider_sink *sink,
			     char *detail)
{
	struct ec2_lookup lookup = { .attempt = attempt,
				     .sink = sink,
				     .asked = clock_boottime_ns() };
	enum problem problem;

	lookup.now = time(NULL);
	problem = find_keys(&lookup, detail);
	http_free(&lookup.keys);
	return problem;
}

const struct provider provider_ec2 = {
	.trusts_system = true,
	.find = find_all,
};
