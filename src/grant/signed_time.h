/* SPDX-License-Identifier: Apache-2.0 */
/* The endpoint's signed statement of what time it is. */
#ifndef EXC_GRANT_SIGNED_TIME_H
#define EXC_GRANT_SIGNED_TIME_H

#include <stddef.h>
#include <time.h>

#include "grant/trust.h"
#include "grant/verdict.h"

#define SIGNED_TIME_TYP "exc-time+jwt"

struct signed_time_policy {
	struct trust *trust;
	const char *signer_name; /* or NULL */
	const char *instance_id;
	const char *nonce; /* the one that our request carried */
	time_t now; /* the local clock, for certificates only */
};

/* Verify the JWS and read its `iat` into *time (seconds since 1970). GRANT_WRONG_INSTANCE and
 * GRANT_WRONG_NONCE mean that it was not made for this request; other verdicts as jws_verify(). */
enum grant_verdict signed_time_verify(const char *text, size_t length,
				      const struct signed_time_policy *policy, time_t *time);

#endif
