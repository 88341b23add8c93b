/* SPDX-License-Identifier: Apache-2.0 */
/* How often a caller may ask: token buckets, in memory. */
#include "connectd/state/rate_limit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MINUTE_MS 60000.0
/* The error that sums of fractions may have */
#define ROUNDING 1e-6

bool rate_init(struct rate_limiter *limiter, unsigned int per_minute, unsigned int burst)
{
	*limiter = (struct rate_limiter){ .per_minute = per_minute, .burst = burst };
	if (per_minute == 0)
		return true;
	limiter->buckets = calloc(RATE_BUCKETS_MAX, sizeof *limiter->buckets);
	return limiter->buckets != NULL;
}

void rate_free(struct rate_limiter *limiter)
{
	free(limiter->buckets);
	limiter->buckets = NULL;
	limiter->count = 0;
}

/* What is in a bucket now */
static double level(const struct rate_limiter *limiter, const struct rate_bucket *bucket,
		    int64_t now_ms)
{
	int64_t passed = now_ms > bucket->filled_ms ? now_ms - bucket->filled_ms : 0;
	double tokens = bucket->tokens + (double)passed * limiter->per_minute / MINUTE_MS;

	return tokens > limiter->burst ? limiter->burst : tokens;
}

/* Find the bucket, or make one in place of the fullest. Bounded by RATE_BUCKETS_MAX. */
static struct rate_bucket *find_bucket(struct rate_limiter *limiter, const char *name,
				       int64_t now_ms)
{
	struct rate_bucket *fullest = limiter->buckets, *bucket;

	for (unsigned int i = 0; i < limiter->count; i++) {
		bucket = &limiter->buckets[i];
		if (strcmp(bucket->name, name) == 0)
			return bucket;
		if (level(limiter, bucket, now_ms) > level(limiter, fullest, now_ms))
			fullest = bucket;
	}
	bucket = limiter->count < RATE_BUCKETS_MAX ? &limiter->buckets[limiter->count++] : fullest;
	snprintf(bucket->name, sizeof bucket->name, "%s", name);
	bucket->tokens = limiter->burst;
	bucket->filled_ms = now_ms;
	return bucket;
}

static unsigned int seconds_until_one(const struct rate_limiter *limiter, double tokens)
{
	double seconds = (1 - tokens) * MINUTE_MS / 1000 / limiter->per_minute;
	unsigned int whole = (unsigned int)seconds;

	if (whole < seconds - ROUNDING || whole == 0)
		whole++;
	return whole;
}

unsigned int rate_take(struct rate_limiter *limiter, const char *name, int64_t now_ms)
{
	struct rate_bucket *bucket;

	if (limiter->per_minute == 0)
		return 0;
	bucket = find_bucket(limiter, name, now_ms);
	bucket->tokens = level(limiter, bucket, now_ms);
	bucket->filled_ms = now_ms;
	if (bucket->tokens < 1 - ROUNDING)
		return seconds_until_one(limiter, bucket->tokens);
	bucket->tokens -= 1;
	return 0;
}
