/* SPDX-License-Identifier: Apache-2.0 */
/* Where grants come from: what differs between clouds. Everything else is the same for all. */
#ifndef EXC_AGENT_PROVIDER_PROVIDER_H
#define EXC_AGENT_PROVIDER_PROVIDER_H

#include <stdbool.h>
#include <time.h>

#include "agent/config/config.h"
#include "agent/provider/login_attempt.h"
#include "agent/config/problem.h"
#include "grant/grant.h"

/* What happens to the grants that a provider finds. */
struct provider_sink {
	void *context;
	/* One that is valid `now` (seconds since 1970), for this user and this fingerprint. True:
	 * no more are wanted. */
	bool (*take)(void *context, const struct grant *grant, time_t now);
	/* One for the offered key that is not valid. jti, caller and request_id are set only if
	 * they can be trusted. `detail` is what else is known, for the log, or NULL. */
	void (*refuse)(void *context, const struct grant *grant, enum grant_verdict verdict,
		       const char *detail);
};

/* A new one is a file with one of these, a line in config.h and one in provider.c, and its checks
 * in doctor/diagnosis.c. */
struct provider {
	bool trusts_system; /* find() verifies with the system's CA certificates */
	/* Ask for the grants of this user and this key, verify them, and hand each to the sink.
	 * Takes at most timeout_ms. PROBLEM_NONE also if there are none; otherwise why it failed,
	 * with `detail`. */
	enum problem (*find)(const struct login_attempt *attempt, const struct provider_sink *sink,
			     char detail[PROBLEM_DETAIL_SIZE]);
	/* Send this JSON to the control plane; NULL: it accepts none. */
	enum problem (*send_receipts)(const struct config *config, const char *json,
				      char detail[PROBLEM_DETAIL_SIZE]);
	enum problem (*send_host_keys)(const struct config *config, const char *json,
				       char detail[PROBLEM_DETAIL_SIZE]);
};

/* The provider that the configuration names. */
const struct provider *provider_of(const struct config *config);

#endif
