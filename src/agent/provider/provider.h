/* SPDX-License-Identifier: Apache-2.0 */
/* Where grants come from: what differs between clouds. Everything after that is the same for all.
 */
#ifndef EXC_PROVIDER_H
#define EXC_PROVIDER_H

#include <stdbool.h>
#include <time.h>

#include "agent/config/config.h"
#include "agent/provider/login_attempt.h"
#include "agent/config/problem.h"
#include "grant/grant.h"

/* What becomes of the grants that a provider finds. */
struct provider_sink {
	void *context;
	/* One that holds `now` (seconds since 1970), for this user and this fingerprint. True: no
	 * further one is wanted. */
	bool (*take)(void *context, const struct grant *grant, time_t now);
	/* One for the offered key that does not hold. jti, caller and request_id are set only if
	 * they are to be believed. `detail` is what else is known, for people, or NULL. */
	void (*refuse)(void *context, const struct grant *grant, enum grant_verdict verdict,
		       const char *detail);
};

/* A new one is a file with one of these, a line in config.h and one in provider.c, and its checks
 * in doctor/diagnosis.c. */
struct provider {
	bool trusts_system; /* find() verifies with the system's CA certificates */
	/* Ask for the grants of this user and this key, verify them, and hand each to the sink.
	 * Takes at most timeout_ms. PROBLEM_NONE also when there is none; otherwise what kept it
	 * from being done, with `detail`. */
	enum problem (*find)(const struct login_attempt *attempt, const struct provider_sink *sink,
			     char detail[PROBLEM_DETAIL_SIZE]);
	/* Send this JSON to the control plane; NULL: it takes none. */
	enum problem (*send_receipts)(const struct config *config, const char *json,
				      char detail[PROBLEM_DETAIL_SIZE]);
	enum problem (*send_host_keys)(const struct config *config, const char *json,
				       char detail[PROBLEM_DETAIL_SIZE]);
};

/* The provider that the configuration names. */
const struct provider *provider_of(const struct config *config);

#endif
