/* SPDX-License-Identifier: Apache-2.0 */
/* pam_exc_instance_connect: spend a one-time key when sshd opens the session that it logged in. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PAM_SM_SESSION
#include <security/pam_ext.h>
#include <security/pam_modules.h>

#include "agent/audit.h"
#include "agent/connection.h"
#include "agent/ledger.h"
#include "agent/paths.h"
#include "pam/auth_info.h"
#include "pam/receipt.h"

#define SAY_USED "this one-time key was already used; ask for a new one"
#define SAY_UNRECORDED                                                                             \
	"this one-time key cannot be recorded on this machine, so it opens no session; "           \
	"log in another way and see its journal"

static void audit(enum audit_event event, const struct offer *offer, const char *reason,
		  const char *client, const char *detail)
{
	const struct audit_record record = { .event = event,
					     .user = offer->user,
					     .caller = offer->caller,
					     .jti = offer->jti,
					     .fingerprint = offer->fingerprint,
					     .request_id = offer->request_id,
					     .reason = reason,
					     .client = client,
					     .detail = detail };

	audit_write(&record);
}

static void audit_errno(enum audit_event event, const struct offer *offer, const char *client,
			const char *what)
{
	char detail[128];

	snprintf(detail, sizeof detail, "%s: %s", what, strerror(errno));
	audit(event, offer, "ledger_unavailable", client, detail);
}

/* Turn what the ledger says of one key into PAM's answer, and tell whom it concerns. */
static int decide(pam_handle_t *pamh, enum ledger_result result, const struct offer *spent,
		  const char *client)
{
	switch (result) {
	case LEDGER_SPENT:
		audit(AUDIT_USED, spent, NULL, client, NULL);
		if (!receipt_write(spent, client))
			audit_errno(
				AUDIT_PROBLEM, spent, client,
				"the receipt of a used key could not be written to " RECEIPTS_DIR);
		return PAM_SUCCESS;
	case LEDGER_ALREADY_USED:
		audit(AUDIT_REPLAYED, spent, "already_used", client, NULL);
		pam_error(pamh, "%s", SAY_USED);
		return PAM_SESSION_ERR;
	case LEDGER_UNAVAILABLE:
		audit_errno(AUDIT_REFUSED, spent, client,
			    "the used mark could not be made in " LEDGER_DIR);
		pam_error(pamh, "%s", SAY_UNRECORDED);
		return PAM_SESSION_ERR;
	default:
		return PAM_IGNORE;
	}
}

/* Every key that authenticated this connection: one that is refused refuses the session. */
static int spend_keys(pam_handle_t *pamh, const struct ledger *ledger, const char *auth_info)
{
	struct connection connection;
	char key_hash[DIGEST_HEX_SIZE];
	const char *client = NULL;
	int answer = PAM_IGNORE;

	if (pam_get_item(pamh, PAM_RHOST, (const void **)&client) != PAM_SUCCESS)
		client = NULL;
	/* Without /proc no connection is ours, and only offers to unknown connections can be. */
	connection_of_self(&connection);
	while (auth_info_next_key(&auth_info, key_hash)) {
		struct offer spent;
		enum ledger_result result = ledger_spend(ledger, key_hash, &connection, &spent);
		int this_one = decide(pamh, result, &spent, client);

		if (this_one != PAM_IGNORE && answer != PAM_SESSION_ERR)
			answer = this_one;
	}
	return answer;
}

PAM_EXTERN int pam_sm_open_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	const char *auth_info = pam_getenv(pamh, "SSH_AUTH_INFO_0");
	const struct offer nobody = { 0 };
	struct ledger ledger;
	int answer;

	(void)flags;
	(void)argc;
	(void)argv;
	if (auth_info == NULL)
		return PAM_IGNORE;
	if (!ledger_open_as_root(&ledger, LEDGER_DIR)) {
		/* Nothing was ever offered; or nobody can tell, and nobody is locked out for that.
		 */
		if (errno != ENOENT)
			audit_errno(AUDIT_PROBLEM, &nobody, NULL, "cannot look into " LEDGER_DIR);
		return PAM_IGNORE;
	}
	answer = spend_keys(pamh, &ledger, auth_info);
	ledger_close(&ledger);
	return answer;
}

PAM_EXTERN int pam_sm_close_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	(void)pamh;
	(void)flags;
	(void)argc;
	(void)argv;
	return PAM_IGNORE;
}
