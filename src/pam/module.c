/* SPDX-License-Identifier: Apache-2.0 */
/* pam_exc_instance_connect: spend a one-time key when sshd opens the session that it logged in. */
#include <errno.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAM_SM_SESSION
#include <security/pam_ext.h>
#include <security/pam_modules.h>

#include "base/process.h"
#include "ledger/journal.h"
#include "ledger/connection.h"
#include "ledger/ledger.h"
#include "ledger/module_lock.h"
#include "ledger/paths.h"
#include "ledger/stack_proof.h"
#include "pam/auth_info.h"
#include "pam/client_address.h"
#include "pam/receipt.h"

#define PID_SIZE 16
/* The kernel may be short of memory for a moment. */
#define LOOK_TRIES 3
/* One line of passwd(5) */
#define ACCOUNT_BYTES_MAX 4096
#define CONNECTIONS_DIR LEDGER_DIR "/connections"
#define SAY_USED "this one-time key was already used; ask for a new one"
#define SAY_WRONG_USER "this one-time key is for another user; ask for a new one"
#define SAY_TOO_LATE "this one-time key has expired; ask for a new one"
#define SAY_UNRECORDED                                                                             \
	"this one-time key cannot be recorded on this machine, so the session was refused; "       \
	"log in another way and check the journal"
/* The descriptor of the lock that tells the agent that this process spends keys, or -1 */
static int lock = -1;

/* libpam loads us when sshd calls pam_start(3), before it asks about the first key. Whether it will
 * also call us is in the files that it is reading: root has proved that it will, if they are still
 * the same, and if it came to us by the service itself. Any other process (login, cron, doctor) has
 * nothing to prove. A failure only means that the agent does not rely on us. */
__attribute__((constructor)) static void prove_that_it_runs(void)
{
	char name[PROCESS_NAME_SIZE + 1] = "";
	int saved = errno;

	if (getuid() == 0 && geteuid() == 0 && prctl(PR_GET_NAME, name, 0UL, 0UL, 0UL) == 0 &&
	    connection_is_sshd(name) && stack_proof_holds_for_service(PAM_WIRED_FILE))
		lock = module_lock_take(LEDGER_DIR);
	errno = saved;
}

/* libpam unloads us. A child that was forked meanwhile has a copy of the descriptor, but not the
 * lock. */
__attribute__((destructor)) static void stop_proving(void)
{
	int saved = errno;

	if (lock >= 0)
		close(lock);
	lock = -1;
	errno = saved;
}

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
					       .command = offer->command,
					       .allowed_source = offer->source,
					       .detail = detail };

	journal_write(&record);
}

static void journal_errno(enum journal_event event, const struct offer *offer, const char *client,
			  const char *what)
{
	int saved = errno;
	char detail[128];

	snprintf(detail, sizeof detail, "%s: %s", what, strerror(saved));
	journal(event, offer, "ledger_unavailable", client, detail);
}

/* errno is why. */
static void report_problem(const char *what)
{
	const struct offer nobody = { 0 };

	journal_errno(JOURNAL_PROBLEM, &nobody, NULL, what);
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
	case LEDGER_WRONG_USER:
		journal(JOURNAL_REFUSED, spent, "wrong_user", client,
			"it was offered for this user, and another one logs in");
		pam_error(pamh, "%s", SAY_WRONG_USER);
		return PAM_SESSION_ERR;
	case LEDGER_TOO_LATE:
		journal(JOURNAL_REFUSED, spent, "expired", client,
			"the login took too long after the key was offered");
		pam_error(pamh, "%s", SAY_TOO_LATE);
		return PAM_SESSION_ERR;
	case LEDGER_UNAVAILABLE:
		journal_errno(
			JOURNAL_REFUSED, spent, client,
			"the offer could not be read, or the used mark not be made, in " LEDGER_DIR);
		pam_error(pamh, "%s", SAY_UNRECORDED);
		return PAM_SESSION_ERR;
	default:
		return PAM_IGNORE;
	}
}

/* Is there an entry for this connection and this key? Checked by path, which takes neither memory
 * of ours nor a descriptor. Being denied the check is not an answer, and nobody is locked out for
 * that: where it is always denied, the module could not take its lock, and the agent did not rely
 * on it. */
static bool was_offered(const struct connection *us, const char *key_hash)
{
	char path[sizeof CONNECTIONS_DIR + PID_SIZE + DIGEST_HEX_SIZE];
	struct stat status;

	snprintf(path, sizeof path, CONNECTIONS_DIR "/%d/%s", (int)us->pid, key_hash);
	for (int try = 0; try < LOOK_TRIES; try++) {
		if (lstat(path, &status) == 0)
			return true;
		if (errno == ENOENT || errno == ENOTDIR)
			return false;
	}
	report_problem("cannot look into " CONNECTIONS_DIR);
	return false;
}

/* The name of the account that logs in, as sshd passes it to the agent: PAM_USER may be another
 * name for it. (pam_modutil_getpwnam(3) counts to INT_MAX when it is out of memory.) */
static const char *account_name(pam_handle_t *pamh, char buffer[ACCOUNT_BYTES_MAX])
{
	struct passwd account, *found = NULL;
	const char *user = NULL;

	if (pam_get_item(pamh, PAM_USER, (const void **)&user) != PAM_SUCCESS || user == NULL)
		return "";
	if (getpwnam_r(user, &account, buffer, ACCOUNT_BYTES_MAX, &found) != 0 || found == NULL)
		return user;
	return account.pw_name;
}

/* Spend a key that this connection was offered. */
static int spend(pam_handle_t *pamh, const struct connection *us, const char *key_hash)
{
	char account[ACCOUNT_BYTES_MAX];
	struct offer spent = { 0 };
	char client[CLIENT_ADDRESS_SIZE];
	enum ledger_result result = LEDGER_UNAVAILABLE;
	struct ledger ledger;

	client_address(pamh, client);
	if (ledger_open_as_root(&ledger, LEDGER_DIR)) {
		result = ledger_spend(&ledger, key_hash, account_name(pamh, account), us, &spent);
		ledger_close(&ledger);
	} else if (errno == EPERM || errno == ENOTDIR || errno == ELOOP) {
		/* It is not a directory, or others have access: its contents prove nothing. The
		 * agent offers nothing then. */
		report_problem("cannot open " LEDGER_DIR);
		return PAM_IGNORE;
	}
	return decide(pamh, result, &spent, client);
}

PAM_EXTERN int pam_sm_open_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	const char *auth_info = pam_getenv(pamh, "SSH_AUTH_INFO_0");
	char key_hash[DIGEST_HEX_SIZE];
	struct connection us = { .pid = getpid() };
	struct process process;
	int answer = PAM_IGNORE;

	(void)flags;
	(void)argc;
	(void)argv;
	if (auth_info == NULL)
		return PAM_IGNORE;
	/* Without /proc every entry for our pid counts. */
	if (process_read(us.pid, &process))
		us.start = process.start;
	/* Every key that authenticated this connection: one that is refused refuses the session. */
	while (auth_info_next_key(&auth_info, key_hash)) {
		int this_one = PAM_IGNORE;

		if (was_offered(&us, key_hash))
			this_one = spend(pamh, &us, key_hash);
		if (this_one != PAM_IGNORE && answer != PAM_SESSION_ERR)
			answer = this_one;
	}
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
