/* SPDX-License-Identifier: Apache-2.0 */
/* pam_exc_instance_connect: spend a one-time key when sshd opens the session that it logged in. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define PAM_SM_SESSION
#include <security/pam_ext.h>
#include <security/pam_modules.h>

#include "ledger/journal.h"
#include "ledger/connection.h"
#include "ledger/ledger.h"
#include "ledger/paths.h"
#include "pam/auth_info.h"
#include "pam/receipt.h"

#define KEYS_DIR LEDGER_DIR "/keys"
#define SAY_USED "this one-time key was already used; ask for a new one"
#define SAY_UNRECORDED                                                                             \
	"this one-time key cannot be recorded on this machine, so the session was refused; "       \
	"log in another way and check the journal"

static void journal(enum journal_event event, const struct offer *offer, const char *reason,
		    const char *client, const char *detail)
{
	const struct journal_record record = { .event = event,
					       .user = offer->user,
					       .caller = offer->caller,
					       .jti = offer->jti,
					       .fingerprint = offer->fingerprint,
					       .request_id = offer->request_id,
					       .reason = reason,
					       .client = client,
					       .detail = detail };

	journal_write(&record);
}

static void journal_errno(enum journal_event event, const struct offer *offer, const char *client,
			  const char *what)
{
	char detail[128];

	snprintf(detail, sizeof detail, "%s: %s", what, strerror(errno));
	journal(event, offer, "ledger_unavailable", client, detail);
}

/* Turn the ledger's result for one key into PAM's answer, and tell the user and the journal. */
static int decide(pam_handle_t *pamh, enum ledger_result result, const struct offer *spent,
		  const char *client)
{
	switch (result) {
	case LEDGER_SPENT:
		journal(JOURNAL_USED, spent, NULL, client, NULL);
		if (!receipt_write(spent, client))
			journal_errno(
				JOURNAL_PROBLEM, spent, client,
				"the receipt of a used key could not be written to " RECEIPTS_DIR);
		return PAM_SUCCESS;
	case LEDGER_ALREADY_USED:
		journal(JOURNAL_REPLAYED, spent, "already_used", client, NULL);
		pam_error(pamh, "%s", SAY_USED);
		return PAM_SESSION_ERR;
	case LEDGER_UNAVAILABLE:
		journal_errno(JOURNAL_REFUSED, spent, client,
			      "the used mark could not be made in " LEDGER_DIR);
		pam_error(pamh, "%s", SAY_UNRECORDED);
		return PAM_SESSION_ERR;
	default:
		return PAM_IGNORE;
	}
}

/* Was this key ever offered? Checked by path, which takes neither memory nor a descriptor. Being
 * denied the check is not an answer, and nobody is locked out for that. */
static bool was_offered(const char *key_hash)
{
	char path[sizeof KEYS_DIR "/" + DIGEST_HEX_SIZE];
	struct stat status;

	snprintf(path, sizeof path, KEYS_DIR "/%s", key_hash);
	return lstat(path, &status) == 0;
}

/* Every key that authenticated this connection: one that is refused refuses the session. Without a
 * ledger (NULL), or without knowing which connection this is, a key that was offered is refused, as
 * another one might spend it; all other keys are not ours. */
static int spend_keys(pam_handle_t *pamh, const struct ledger *ledger, const char *auth_info)
{
	struct connection connection;
	char key_hash[DIGEST_HEX_SIZE];
	const char *client = NULL;
	int answer = PAM_IGNORE;
	int failed = ledger == NULL ? errno : 0;

	if (pam_get_item(pamh, PAM_RHOST, (const void **)&client) != PAM_SUCCESS)
		client = NULL;
	/* Without /proc (ENOENT), offers go to unknown connections, and are spent all the same. */
	if (!connection_of_self(&connection) && failed == 0 && errno != ENOENT)
		failed = errno;
	while (auth_info_next_key(&auth_info, key_hash)) {
		struct offer spent = { 0 };
		enum ledger_result result = LEDGER_NOT_OURS;
		int this_one;

		if (ledger != NULL)
			result = ledger_spend(ledger, key_hash, &connection, &spent);
		if (result == LEDGER_NOT_OURS && failed != 0 && was_offered(key_hash)) {
			errno = failed;
			result = LEDGER_UNAVAILABLE;
		}
		this_one = decide(pamh, result, &spent, client);
		if (this_one != PAM_IGNORE && answer != PAM_SESSION_ERR)
			answer = this_one;
	}
	return answer;
}

/* The ledger cannot be opened; errno is why. */
static int open_without_ledger(pam_handle_t *pamh, const char *auth_info)
{
	const struct offer nobody = { 0 };
	int why = errno;

	if (why == ENOENT) /* nothing was ever offered */
		return PAM_IGNORE;
	journal_errno(JOURNAL_PROBLEM, &nobody, NULL, "cannot open " LEDGER_DIR);
	/* It is not a directory, or others have access: its contents prove nothing. The agent
	 * offers nothing then. */
	if (why == EPERM || why == ENOTDIR || why == ELOOP)
		return PAM_IGNORE;
	errno = why;
	return spend_keys(pamh, NULL, auth_info);
}

PAM_EXTERN int pam_sm_open_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	const char *auth_info = pam_getenv(pamh, "SSH_AUTH_INFO_0");
	struct ledger ledger;
	int answer;

	(void)flags;
	(void)argc;
	(void)argv;
	if (auth_info == NULL)
		return PAM_IGNORE;
	if (!ledger_open_as_root(&ledger, LEDGER_DIR))
		return open_without_ledger(pamh, auth_info);
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
