/* SPDX-License-Identifier: Apache-2.0 */
/* The whole answer of the metadata endpoint: from the body to the grants that hold, signed time
 * included.
 *
 * The input is a byte with flags and the body. In the body, \x01…\x03 becomes the grant with these
 * claims, signed, \x02…\x03 the time, and \x04 the request's nonce. Only what is below HTTP, the
 * clocks and the journal are not the agent's own. */
#include "../unit/mint.h"
#include "fuzz.h"

#include <stdio.h>
#include <unistd.h>

#include "ledger/journal.h"
#include "base/clock.h"
#include "agent/http/http.h"
#include "agent/provider/provider.h"
#include "base/cleanup.h"
#include "signers.h"

#define BEGIN_GRANT '\x01'
#define BEGIN_TIME '\x02'
#define END '\x03'
#define NONCE '\x04'
#define GRANT_HEADER "{\"alg\":\"EdDSA\",\"typ\":\"exc-grant+jwt\",\"kid\":\"ed25519\"}"
#define TIME_HEADER "{\"alg\":\"EdDSA\",\"typ\":\"exc-time+jwt\",\"kid\":\"ed25519\"}"

#define STATUS_MASK 0x07
#define WANTS_MORE 0x08 /* the sink takes none */
#define NEEDS_TIME 0x10 /* signed_time = required, as it is by default */

static struct answer {
	uint8_t flags;
	const uint8_t *bytes;
	size_t length;
	bool has_time; /* a time was signed for it */
} answer;
static char *ledger_directory; /* left to who runs this, in TMPDIR */
static struct config config;

/* Instead of the clocks */
time_t time(time_t *out)
{
	if (out != NULL)
		*out = SIGNERS_NOW;
	return SIGNERS_NOW;
}

int64_t clock_boottime(void)
{
	return 5000;
}

int64_t clock_boottime_ns(void)
{
	return 5000 * (int64_t)CLOCK_NS_PER_SECOND;
}

time_t clock_started(time_t now, int64_t boottime)
{
	return now - (time_t)boottime;
}

/* Instead of the journal: what people and other programs read has no control characters. */
static void check_audited(const char *text)
{
	for (; text != NULL && *text != '\0'; text++)
		must((unsigned char)*text >= 0x20 && *text != 0x7f);
}

void journal_prepare(void)
{
}

void journal_write(const struct journal_record *record)
{
	check_audited(record->user);
	check_audited(record->reason);
	check_audited(record->detail);
}

/* Put the signed text in, without its first and last byte. Returns the byte after the end. */
static const uint8_t *put_signed(FILE *out, const uint8_t *at, const uint8_t *end,
				 const char *nonce)
{
	const uint8_t *stop = memchr(at, END, (size_t)(end - at));
	const char *header = *at == BEGIN_GRANT ? GRANT_HEADER : TIME_HEADER;
	_cleanup_free_ char *payload = NULL, *text = NULL;
	size_t length = 0;
	FILE *claims = open_memstream(&payload, &length);

	answer.has_time |= *at == BEGIN_TIME;
	for (at++; at < (stop == NULL ? end : stop); at++)
		if (*at == NONCE)
			fputs(nonce, claims);
		else
			fputc(*at, claims);
	fclose(claims);
	text = signers_sign(SIGNER_ED25519, header, (const uint8_t *)payload, length);
	fputs(text, out);
	return stop == NULL ? end : stop + 1;
}

static char *make_body(const char *nonce, size_t *length)
{
	const uint8_t *at = answer.bytes, *end = at + answer.length;
	char *body = NULL;
	FILE *out = open_memstream(&body, length);

	while (at < end)
		if (*at == BEGIN_GRANT || *at == BEGIN_TIME)
			at = put_signed(out, at, end, nonce);
		else
			fputc(*at++, out);
	fclose(out);
	return body;
}

/* Instead of the network */
enum problem http_open(struct http *http, const struct config *asked,
		       char detail[PROBLEM_DETAIL_SIZE])
{
	(void)detail;
	memset(http, 0, sizeof *http);
	http->url = asked->metadata_url;
	return PROBLEM_NONE;
}

enum problem http_ask(struct http *http, const struct http_request *request,
		      struct http_answer *out, char detail[PROBLEM_DETAIL_SIZE])
{
	static const int statuses[] = { 200, 200, 200, 200, 404, 204, 500, 0 };
	const char *nonce = strstr(request->path, "nonce=");
	char *body;

	(void)http;
	if (request->meanwhile != NULL)
		request->meanwhile(request->context);
	must(nonce != NULL && strlen(nonce) == strlen("nonce=") + 32);
	out->status = statuses[answer.flags & STATUS_MASK];
	if (out->status == 0) {
		snprintf(detail, PROBLEM_DETAIL_SIZE, "none");
		return PROBLEM_ENDPOINT_TIMEOUT;
	}
	if (out->status == 204)
		return PROBLEM_NONE;
	body = make_body(nonce + strlen("nonce="), &out->length);
	/* Of just its size, so that reading past it is seen */
	out->body = fuzz_text((const uint8_t *)body, out->length);
	free(body);
	return PROBLEM_NONE;
}

enum problem http_wrong_status(const struct http *http, const struct http_answer *wrong,
			       char detail[PROBLEM_DETAIL_SIZE])
{
	snprintf(detail, PROBLEM_DETAIL_SIZE, "%s %d", http->url, wrong->status);
	return PROBLEM_HTTP_STATUS;
}

void http_free(struct http_answer *old)
{
	free(old->body);
	old->body = NULL;
}

void http_escape(const char *text, char *out)
{
	strcpy(out, text);
}

static bool take(void *context, const struct grant *grant, time_t now)
{
	int *taken = context;

	must(*taken == 0 || (answer.flags & WANTS_MORE) != 0);
	++*taken;
	must((answer.flags & NEEDS_TIME) == 0 || answer.has_time);
	must(strcmp(grant->user, SIGNERS_USER) == 0);
	must(strcmp(grant->fingerprint, SIGNERS_FINGERPRINT) == 0);
	/* The endpoint's signed time may be earlier than our clock, which is then fast. */
	must(now >= SIGNERS_NOW || answer.has_time);
	must(now < grant->expires && grant->expires - grant->issued <= 60);
	return (answer.flags & WANTS_MORE) == 0;
}

static void refuse(void *context, const struct grant *grant, enum grant_verdict verdict,
		   const char *detail)
{
	(void)context;
	(void)detail;
	must(verdict != GRANT_OK && verdict != GRANT_WRONG_FINGERPRINT);
	check_audited(grant->jti);
	check_audited(grant->caller);
	check_audited(grant->request_id);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	char detail[PROBLEM_DETAIL_SIZE];

	(void)argc;
	(void)argv;
	signers_make_one();
	ledger_directory = mint_directory();
	must(config_load(&config, "/nonexistent", detail));
	snprintf(config.trust_dir, sizeof config.trust_dir, "%s", signers_directory());
	snprintf(config.instance_id, sizeof config.instance_id, SIGNERS_INSTANCE);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	char detail[PROBLEM_DETAIL_SIZE] = "";
	struct ledger ledger;
	int taken = 0;
	const struct login_attempt attempt = { .user = SIGNERS_USER,
					       .config = &config,
					       .ledger = &ledger,
					       .fingerprint = SIGNERS_FINGERPRINT };
	const struct provider_sink sink = { &taken, take, refuse };
	enum problem problem;

	if (length == 0)
		return 0;
	answer = (struct answer){ bytes[0], bytes + 1, length - 1, false };
	config.signed_time_required = (answer.flags & NEEDS_TIME) != 0;
	must(ledger_open(&ledger, ledger_directory));
	/* What one input has vouched for must not decide about the next. */
	unlinkat(ledger.directory, "vouched", 0);
	unlinkat(ledger.directory, "said.signed_time_invalid", 0);
	problem = provider_of(&config)->find(&attempt, &sink, detail);
	must(problem == PROBLEM_NONE || detail[0] != '\0');
	check_audited(detail);
	ledger_close(&ledger);
	return 0;
}
