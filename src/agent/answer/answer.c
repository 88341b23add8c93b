/* SPDX-License-Identifier: Apache-2.0 */
/* Our own answer to sshd: ask the provider, record the offer, print the key. */
#include "agent/answer/answer.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>

#include "ledger/journal.h"
#include "base/clock.h"
#include "base/first_line.h"
#include "agent/config/config.h"
#include "agent/answer/breaker.h"
#include "agent/answer/recall.h"
#include "agent/answer/walls.h"
#include "agent/http/fetch_process.h"
#include "ledger/ledger.h"
#include "ledger/paths.h"
#include "agent/config/problem_report.h"
#include "agent/provider/provider.h"
#include "grant/algorithm.h"
#include "grant/authorized_line.h"
#include "grant/grant.h"

#define FIPS_MODE "/proc/sys/crypto/fips_enabled"

/* Read the key that sshd passed. False, silently, if it cannot be one of ours. */
static bool read_key(struct login_attempt *attempt)
{
	const char *passed = attempt->passed_fingerprint;
	struct ssh_key key;

	if (ssh_key_parse_parts(attempt->key_type, strlen(attempt->key_type), attempt->key, &key) !=
		    SSH_KEY_OK ||
	    !digest_fingerprint(key.blob, key.blob_length, attempt->fingerprint) ||
	    !digest_hex(key.blob, key.blob_length, attempt->key_hash))
		return false;
	/* With FingerprintHash md5, sshd passes a fingerprint that no grant has: use the key. */
	return strncmp(passed, FINGERPRINT_PREFIX, strlen(FINGERPRINT_PREFIX)) != 0 ||
	       strcmp(passed, attempt->fingerprint) == 0;
}

/* Find out which key is meant: its fingerprint is enough. False as above. */
static bool name_key(struct login_attempt *attempt)
{
	return recall_name_key(attempt) || (attempt->key != NULL && read_key(attempt));
}

static void journal_grant(const struct login_attempt *attempt, const struct grant *grant,
			  enum journal_event event, const char *reason, const char *detail)
{
	char sources[RESTRICT_SOURCES_SIZE];
	const struct journal_record record = { .event = event,
					       .user = attempt->user,
					       .caller = grant->caller,
					       .command = grant->restrictions.command,
					       .allowed_source = sources,
					       .jti = grant->jti,
					       .fingerprint = attempt->fingerprint,
					       .request_id = grant->request_id,
					       .reason = reason,
					       .detail = detail };

	restrict_sources_print(&grant->restrictions, sources);
	journal_write(&record);
}

static void report_ledger(const struct ledger *ledger, const char *user)
{
	char detail[PROBLEM_DETAIL_SIZE];

	snprintf(detail, sizeof detail, LEDGER_DIR ": %s", strerror(errno));
	problem_report(ledger, PROBLEM_LEDGER_UNAVAILABLE, user, detail);
}

/* One write, so that a crash leaves all or nothing. `line` ends with its line feed. */
static void print_line(const char *line)
{
	answer_print(line, strlen(line));
}

/* What the ledger keeps of a grant. False if it cannot be hashed. */
static bool make_offer(const struct grant *grant, time_t now, const char *line, struct offer *offer)
{
	memset(offer, 0, sizeof *offer);
	offer->deadline = clock_boottime() + (grant->expires - now);
	snprintf(offer->jti, sizeof offer->jti, "%s", grant->jti);
	snprintf(offer->caller, sizeof offer->caller, "%s", grant->caller);
	snprintf(offer->request_id, sizeof offer->request_id, "%s", grant->request_id);
	snprintf(offer->user, sizeof offer->user, "%s", grant->user);
	snprintf(offer->fingerprint, sizeof offer->fingerprint, "%s", grant->fingerprint);
	snprintf(offer->line, sizeof offer->line, "%.*s", (int)strcspn(line, "\n"), line);
	snprintf(offer->command, sizeof offer->command, "%s", grant->restrictions.command);
	restrict_sources_print(&grant->restrictions, offer->source);
	errno = ENOMEM;
	return digest_hex(grant->jti, strlen(grant->jti), offer->jti_hash);
}

/* Record the offer, and only then print the key. True if this ends the search. */
static bool offer(struct login_attempt *attempt, const struct grant *grant, time_t now)
{
	enum ledger_result result = LEDGER_UNAVAILABLE;
	char line[AUTHORIZED_LINE_SIZE];
	enum problem obstacle;
	struct offer record;
	const char *detail;

	authorized_line_print(&grant->key, &grant->restrictions, line);
	if (attempt->config->single_use != SINGLE_USE_NO) {
		obstacle = recall_obstacle(attempt, &detail);
		if (obstacle != PROBLEM_NONE) {
			problem_report(attempt->ledger, obstacle, attempt->user, detail);
			return true;
		}
		if (make_offer(grant, now, line, &record))
			result = ledger_offer(attempt->ledger, attempt->key_hash, &record,
					      &attempt->connection, !attempt->module_spends);
		if (result == LEDGER_ALREADY_USED) {
			journal_grant(attempt, grant, JOURNAL_REPLAYED, "already_used", NULL);
			return false;
		}
		if (result != LEDGER_OFFERED) {
			report_ledger(attempt->ledger, attempt->user);
			return true;
		}
	}
	journal_grant(attempt, grant, JOURNAL_OFFERED, NULL, NULL);
	print_line(line);
	attempt->is_offered = true;
	return true;
}

static bool take_grant(void *context, const struct grant *grant, time_t now)
{
	struct login_attempt *attempt = context;

	attempt->has_grants = true;
	return offer(attempt, grant, now);
}

static void refuse(void *context, const struct grant *grant, enum grant_verdict verdict,
		   const char *detail)
{
	struct login_attempt *attempt = context;

	attempt->has_grants = true;
	if (verdict == GRANT_ISSUED_BEFORE_LEDGER && detail == NULL)
		detail = LEDGER_DIR
			" was made after that, or just before, and does not know whether "
			"the key is spent; ask for a new key";
	journal_grant(attempt, grant, JOURNAL_REFUSED, grant_verdict_name(verdict), detail);
}

/* Most keys are strangers' or ordinary ones; who looks for the reason of a refused login asks for
 * this. */
static void note_no_grant(const struct login_attempt *attempt)
{
	const struct journal_record record = { .event = JOURNAL_NO_GRANT,
					       .user = attempt->user,
					       .fingerprint = attempt->fingerprint };

	if (attempt->config->log_level == LOG_LEVEL_DEBUG)
		journal_write(&record);
}

/* Ask the provider, which verifies, and offer. Returns why it failed, with `detail` set. */
static enum problem find_key(struct login_attempt *attempt, char *detail)
{
	const struct provider_sink sink = { .context = attempt,
					    .take = take_grant,
					    .refuse = refuse };
	const struct config *config = attempt->config;
	struct config limited = *config;
	const int64_t begin = clock_monotonic_ms();
	enum problem problem;

	limited.timeout_ms = breaker_limit(attempt);
	attempt->config = &limited;
	problem = provider_of(&limited)->find(attempt, &sink, detail);
	attempt->config = config;
	breaker_note(attempt, problem, limited.timeout_ms,
		     (unsigned int)(clock_monotonic_ms() - begin), detail);
	if (attempt->has_grants || problem_is_endpoints(problem))
		ledger_sweep(attempt->ledger);
	else if (problem == PROBLEM_NONE)
		note_no_grant(attempt);
	return problem;
}

/* Every connection that a failing endpoint keeps from its keys has a line, and only one. */
static void report(const struct login_attempt *attempt, enum problem problem,
		   enum breaker_moment moment, const char *detail)
{
	if (!problem_is_endpoints(problem) || moment == BREAKER_UNKNOWN)
		problem_report(attempt->ledger, problem, attempt->user, detail);
	else if (moment == BREAKER_FIRST)
		problem_report_always(attempt->ledger, problem, attempt->user, detail);
}

/* True if a key was printed. */
static bool serve(struct login_attempt *attempt)
{
	char detail[PROBLEM_DETAIL_SIZE] = "";
	enum problem problem;
	enum breaker_moment moment;

	if (!grant_user_is_valid(attempt->user)) {
		problem_report(attempt->ledger, PROBLEM_USER_NAME_INVALID, attempt->user,
			       "the endpoint is not asked about this name");
		return false;
	}
	if (config_denies(attempt->config, attempt->user) || !name_key(attempt))
		return false;
	if (attempt->config->single_use != SINGLE_USE_NO &&
	    !ledger_made(attempt->ledger, &attempt->ledger_made)) {
		report_ledger(attempt->ledger, attempt->user);
		return false;
	}
	if (recall_print(attempt))
		return true;
	if (attempt->key != NULL && !read_key(attempt))
		return false;
	moment = breaker_moment(attempt);
	problem = find_key(attempt, detail);
	if (problem != PROBLEM_NONE)
		report(attempt, problem, moment, detail);
	return attempt->is_offered;
}

/* OpenSSL's error texts, which nobody sees here, and names of ciphers, which only TLS needs, take
 * longer to set up than most runs take otherwise. */
static void spare_crypto(void)
{
	OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CRYPTO_STRINGS | OPENSSL_INIT_NO_ADD_ALL_CIPHERS,
			    NULL);
}

/* Where the kernel is in FIPS mode, some distributions' OpenSSL loads a provider from a file when
 * it is first needed, which the walls forbid. Elsewhere this would take time for nothing. */
static void load_provider(void)
{
	char enabled[FIRST_LINE_SIZE];

	first_line(FIPS_MODE, enabled);
	if (strcmp(enabled, "1") == 0)
		algorithm_is_available(ES256);
}

bool answer_sshd(const struct config *config, const char *wrong, const struct login_attempt *passed)
{
	struct login_attempt attempt = *passed;
	struct ledger ledger;
	bool printed = false;

	spare_crypto();
	if (!ledger_open(&ledger, LEDGER_DIR)) {
		report_ledger(NULL, attempt.user);
		return false;
	}
	attempt.config = config;
	attempt.ledger = &ledger;
	if (wrong == NULL) {
		recall_look_around(&attempt);
		/* What fails here is reported when the endpoint is asked. */
		fetch_process_start(config);
		if (config->sandbox) {
			load_provider();
			walls_enter(config, LEDGER_DIR);
		}
		printed = serve(&attempt);
		fetch_process_stop();
	} else {
		problem_report(&ledger, PROBLEM_CONFIG_INVALID, attempt.user, wrong);
	}
	ledger_close(&ledger);
	return printed;
}
