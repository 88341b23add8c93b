/* SPDX-License-Identifier: Apache-2.0 */
/* How often a caller may ask: token buckets, in memory. */
#ifndef EXC_CONNECTD_STATE_RATE_LIMIT_H
#define EXC_CONNECTD_STATE_RATE_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

/* Buckets that are remembered; beyond that, the fullest are dropped, which limit least. */
#define RATE_BUCKETS_MAX 4096
#define RATE_NAME_SIZE 160

struct rate_bucket {
	char name[RATE_NAME_SIZE];
	double tokens;
	int64_t filled_ms; /* when it had these, on the caller's clock */
};

struct rate_limiter {
	unsigned int per_minute; /* 0: no limit */
	unsigned int burst; /* how many at once */
	unsigned int count;
	struct rate_bucket *buckets; /* RATE_BUCKETS_MAX of them */
};

/* Start with no bucket. False: no memory. */
bool rate_init(struct rate_limiter *limiter, unsigned int per_minute, unsigned int burst);
void rate_free(struct rate_limiter *limiter);

/* May `name` ask again, at `now_ms` (milliseconds on a clock that only goes forward)? 0 if it may,
 * which is counted; otherwise the seconds until it may, at least 1. */
unsigned int rate_take(struct rate_limiter *limiter, const char *name, int64_t now_ms);

#endif
