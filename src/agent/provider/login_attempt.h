/* SPDX-License-Identifier: Apache-2.0 */
/* One attempt to log in: what sshd asks its AuthorizedKeysCommand, and what answering needs. */
#ifndef EXC_AGENT_PROVIDER_LOGIN_ATTEMPT_H
#define EXC_AGENT_PROVIDER_LOGIN_ATTEMPT_H

#include <stdbool.h>

#include "agent/config/config.h"
#include "base/digest.h"
#include "ledger/ledger.h"

struct login_attempt {
	/* As sshd passed it; all borrowed. key_type and key are NULL when it passed none. */
	const char *user;
	const char *passed_fingerprint; /* "SHA256:…", or "MD5:…" with FingerprintHash md5 */
	const char *key_type;
	const char *key; /* base64 */

	/* What answer.c adds before it asks the provider; the first two are borrowed. */
	const struct config *config;
	const struct ledger *ledger; /* remembers what was logged, and signed times */
	char fingerprint[FINGERPRINT_SIZE]; /* of the offered key, "SHA256:…" */
	char key_hash[DIGEST_HEX_SIZE]; /* of its blob */
	struct connection connection; /* that asks */
	const char *unknown; /* why that was not found, a constant; or NULL */
	bool module_spends; /* this connection's module surely spends its key, and is to; otherwise
			     * a key is bound to the connection */
	int64_t ledger_made; /* see ledger_made(); 0 where no use is recorded */
	bool is_offered; /* a key was printed */
	bool has_grants; /* the ledger may have grown, and is swept */
};

#endif
