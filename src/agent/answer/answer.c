/* SPDX-License-Identifier: Apache-2.0 */
/* Our own answer to sshd: ask the provider, record the offer, print the key. */
#include "agent/answer/answer.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "ledger/journal.h"
#include "base/clock.h"
#include "agent/config/config.h"
#include "ledger/connection.h"
#include "agent/http/endpoint.h"
#include "ledger/ledger.h"
#include "ledger/paths.h"
#include "agent/config/problem_report.h"
#include "agent/provider/provider.h"
#include "ledger/stamp.h"
#include "grant/authorized_line.h"
#include "grant/grant.h"

/* Names in LEDGER_DIR, see stamp.h */
#define BACK_OFF_STAMP "endpoint.failed"

/* What sshd asks, and what answering needs. */
struct query {
	const struct config *config;
	const struct ledger *ledger;
	const char *user;
	const char *key_text; /* base64, or NULL if sshd passed no key */
	const char *key_type;
	char fingerprint[FINGERPRINT_SIZE];
	char key_hash[DIGEST_HEX_SIZE]; /* empty if sshd passed no key */
	struct connection connection; /* that asks */
	int64_t ledger_made; /* 0 where no use is recorded */
	bool has_grants; /* the ledger may have grown, and is swept */
};

/* Find out which key is meant. False when it cannot be one of ours: no word about that. */
static bool read_key(struct query *query, const char *fingerprint)
{
	static const char prefix[] = "SHA256:";
	struct ssh_key key;

	if (query->key_text == NULL) {
		if (strlen(fingerprint) != FINGERPRINT_SIZE - 1 ||
		    strncmp(fingerprint, prefix, strlen(prefix)) != 0)
			return false;
		snprintf(query->fingerprint, sizeof query->fingerprint, "%s", fingerprint);
		return true;
	}
	if (ssh_key_parse_parts(query->key_type, strlen(query->key_type), query->key_text, &key) !=
		    SSH_KEY_OK ||
	    !digest_fingerprint(key.blob, key.blob_length, query->fingerprint) ||
	    !digest_hex(key.blob, key.blob_length, query->key_hash))
		return false;
	/* With FingerprintHash md5, sshd passes what no grant is compared with: the key decides. */
	return strncmp(fingerprint, prefix, strlen(prefix)) != 0 ||
	       strcmp(fingerprint, query->fingerprint) == 0;
}

/* Is the endpoint's last failure less than PROBLEM_QUIET_SECONDS ago? */
static bool is_backing_off(const struct ledger *ledger)
{
	int64_t until = stamp_read(ledger, BACK_OFF_STAMP);
	int64_t now = clock_boottime();

	return now < until && until <= now + PROBLEM_QUIET_SECONDS;
}

static void back_off(const struct ledger *ledger)
{
	stamp_write(ledger, BACK_OFF_STAMP, clock_boottime() + PROBLEM_QUIET_SECONDS);
}

static void audit_grant(const struct query *query, const struct grant *grant,
			enum audit_event event, const char *reason, const char *detail)
{
	const struct audit_record record = { .event = event,
					     .user = query->user,
					     .caller = grant->caller,
					     .jti = grant->jti,
					     .fingerprint = query->fingerprint,
					     .request_id = grant->request_id,
					     .reason = reason,
					     .detail = detail };

	audit_write(&record);
}

void answer_print(const char *text, size_t length)
{
	while (length > 0) {
		ssize_t written = write(STDOUT_FILENO, text, length);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return;
		text += written;
		length -= (size_t)written;
	}
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

/* Record the offer, and only then print the key. True when this ends the search. */
static bool offer(const struct query *query, const struct grant *grant, time_t now)
{
	const bool bind = query->config->single_use == SINGLE_USE_CONNECTION;
	struct offer record = { .deadline = clock_boottime() + (grant->expires - now) };
	char line[AUTHORIZED_LINE_SIZE], key_hash[DIGEST_HEX_SIZE];
	size_t length = authorized_line_print(&grant->key, &grant->restrictions, line);
	enum ledger_result result = LEDGER_UNAVAILABLE;

	if (query->config->single_use == SINGLE_USE_NO) {
		audit_grant(query, grant, AUDIT_OFFERED, NULL, NULL);
		print_line(line);
		return true;
	}
	snprintf(record.jti, sizeof record.jti, "%s", grant->jti);
	snprintf(record.caller, sizeof record.caller, "%s", grant->caller);
	snprintf(record.request_id, sizeof record.request_id, "%s", grant->request_id);
	snprintf(record.user, sizeof record.user, "%s", grant->user);
	snprintf(record.fingerprint, sizeof record.fingerprint, "%s", grant->fingerprint);
	snprintf(record.line, sizeof record.line, "%.*s", (int)(length - 1), line);
	/* Bound to a process that is no sshd, a key would be lost to whoever ran this by hand. */
	if (bind && !query->connection.is_sshd) {
		problem_report(query->ledger, PROBLEM_CONNECTION_UNKNOWN, query->user,
			       "no sshd is seen to ask");
		return true;
	}
	if (digest_hex(grant->key.blob, grant->key.blob_length, key_hash))
		result = ledger_offer(query->ledger, key_hash, &record, &query->connection, bind);
	switch (result) {
	case LEDGER_OFFERED:
		audit_grant(query, grant, AUDIT_OFFERED, NULL, NULL);
		print_line(line);
		return true;
	case LEDGER_OFFERED_BEFORE:
		print_line(line);
		return true;
	case LEDGER_ALREADY_USED:
		audit_grant(query, grant, AUDIT_REPLAYED, "already_used", NULL);
		return false;
	default:
		report_ledger(query->ledger, query->user);
		return true;
	}
}

/* sshd's second question in one login has the first one's answer: no request, and no word. */
static bool answer_again(const struct query *query)
{
	struct offer recalled;
	char line[AUTHORIZED_LINE_SIZE + 1];

	if (query->config->single_use == SINGLE_USE_NO || query->key_hash[0] == '\0' ||
	    !ledger_recall(query->ledger, query->key_hash, query->user, &query->connection,
			   &recalled))
		return false;
	snprintf(line, sizeof line, "%s\n", recalled.line);
	print_line(line);
	return true;
}

static bool take_grant(void *context, const struct grant *grant, time_t now)
{
	struct query *query = context;

	query->has_grants = true;
	return offer(query, grant, now);
}

static void refuse(void *context, const struct grant *grant, enum grant_verdict verdict,
		   const char *detail)
{
	struct query *query = context;

	query->has_grants = true;
	if (verdict == GRANT_ISSUED_BEFORE_LEDGER && detail == NULL)
		detail = LEDGER_DIR
			" was made after that, or just before, and does not know whether "
			"the key is spent; ask for a new key";
	audit_grant(query, grant, AUDIT_REFUSED, grant_verdict_name(verdict), detail);
}

/* Ask the provider, which verifies, and offer. Returns what kept it from being done, with `detail`
 * set. */
static enum problem find_key(struct query *query, char *detail)
{
	const struct provider_query wanted = { .config = query->config,
					       .ledger = query->ledger,
					       .user = query->user,
					       .fingerprint = query->fingerprint,
					       .ledger_made = query->ledger_made };
	const struct provider_sink sink = { .context = query,
					    .take = take_grant,
					    .refuse = refuse };
	enum problem problem;

	if (is_backing_off(query->ledger))
		return PROBLEM_NONE;
	problem = provider_of(query->config)->find(&wanted, &sink, detail);
	if (problem_is_endpoints(problem))
		back_off(query->ledger);
	if (query->has_grants)
		ledger_sweep(query->ledger);
	return problem;
}

static void serve(const struct config *config, const struct ledger *ledger,
		  const struct key_query *asked)
{
	struct query query = { .config = config,
			       .ledger = ledger,
			       .user = asked->user,
			       .key_type = asked->key_type,
			       .key_text = asked->key };
	char detail[PROBLEM_DETAIL_SIZE] = "";
	enum problem problem;

	if (!grant_user_is_valid(query.user)) {
		problem_report(ledger, PROBLEM_USER_NAME_INVALID, query.user,
			       "nothing is asked for this name");
		return;
	}
	if (config_denies(config, query.user) || !read_key(&query, asked->fingerprint))
		return;
	if (config->single_use != SINGLE_USE_NO && !ledger_made(ledger, &query.ledger_made)) {
		report_ledger(ledger, query.user);
		return;
	}
	connection_of_ancestors(&query.connection);
	if (answer_again(&query))
		return;
	problem = find_key(&query, detail);
	if (problem != PROBLEM_NONE)
		problem_report(ledger, problem, query.user, detail);
}

/* OpenSSL's texts of errors, which nobody sees here, and its names of ciphers, which only TLS
 * needs, take longer to set up than most runs otherwise do. */
static void spare_crypto(const struct config *config)
{
	if (!endpoint_is_https(config->metadata_url))
		OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CRYPTO_STRINGS |
					    OPENSSL_INIT_NO_ADD_ALL_CIPHERS,
				    NULL);
}

void answer_sshd(const struct config *config, const char *wrong, const struct key_query *asked)
{
	struct ledger ledger;

	spare_crypto(config);
	if (!ledger_open(&ledger, LEDGER_DIR)) {
		report_ledger(NULL, asked->user);
		return;
	}
	if (wrong == NULL)
		serve(config, &ledger, asked);
	else
		problem_report(&ledger, PROBLEM_CONFIG_INVALID, asked->user, wrong);
	ledger_close(&ledger);
}
