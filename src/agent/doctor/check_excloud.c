/* SPDX-License-Identifier: Apache-2.0 */
/* Could an excloud grant be valid here: is there trust, an identity, an endpoint, the right time?
 */
#include "agent/doctor/check_excloud.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent/config/instance_id.h"
#include "agent/provider/excloud_endpoint.h"
#include "ledger/paths.h"
#include "agent/provider/clock_skew.h"
#include "agent/provider/vouched_time.h"
#include "base/json.h"
#include "grant/algorithm.h"
#include "grant/signed_time.h"

/* Nobody has this key: the endpoint's answer is an empty list. */
#define PROBE_FINGERPRINT "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define PROBE_USER "root"

/* The CA certificate that expires first. */
static void check_expiry(struct patient *patient)
{
	STACK_OF(X509) *authorities = trust_authorities(patient->trust);
	int first = -1, days, seconds;

	for (int i = 0; i < sk_X509_num(authorities); i++) {
		const X509 *certificate = sk_X509_value(authorities, i);

		if (ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(certificate)) != 1)
			continue;
		if (days < 0 || seconds < 0) {
			finding_add(patient, FINDING_BAD, "trust anchors",
				    "ask the operator for the new certificate",
				    "a CA certificate has expired");
			return;
		}
		if (first < 0 || days < first)
			first = days;
	}
	if (first >= 0)
		finding_add(patient, first < DIAGNOSIS_EXPIRY_DAYS ? FINDING_WARNING : FINDING_GOOD,
			    "trust anchors",
			    first < DIAGNOSIS_EXPIRY_DAYS
				    ? "ask the operator for the next certificate"
				    : "",
			    "the first CA certificate expires in %d days", first);
}

/* The keys that are good, but not for this OpenSSL. */
static void check_algorithms(struct patient *patient, bool usable)
{
	const unsigned int count = trust_unavailable(patient->trust);
	char mend[FINDING_TEXT_SIZE];

	if (count == 0)
		return;
	snprintf(mend, sizeof mend,
		 "have the operator sign with ES256, and put that P-256 public key into %.128s",
		 patient->config.trust_dir);
	if (usable)
		finding_add(patient, FINDING_WARNING, "trust anchors", mend,
			    "%u of %.128s can verify nothing here: %s", count,
			    patient->config.trust_dir, algorithm_advice());
	else
		finding_add(patient, FINDING_BAD, "trust anchors", mend,
			    "none of %.128s can verify a grant: %s", patient->config.trust_dir,
			    algorithm_advice());
}

static void check_trust(struct patient *patient)
{
	const char *directory = patient->config.trust_dir;
	char mend[FINDING_TEXT_SIZE];
	enum trust_state state;
	unsigned int skipped;
	const char *name;

	/* Only the control plane can print it. */
	snprintf(mend, sizeof mend,
		 "get the operator's public key, which exc-connectd init printed on the control "
		 "plane, and run: " DOCTOR_TRUST,
		 directory);
	state = trust_open(directory, &patient->trust);
	if (state == TRUST_OK)
		state = trust_load(patient->trust);
	if (state == TRUST_UNSAFE || state == TRUST_TOO_MANY) {
		const bool unsafe = state == TRUST_UNSAFE;

		snprintf(mend, sizeof mend,
			 unsafe ? "chown -R root: %.128s && chmod -R go-w %.128s"
				: "remove those of %.128s that are not needed: ls -l %.128s",
			 directory, directory);
		finding_add(patient, FINDING_BAD, "trust anchors", mend,
			    unsafe ? "users other than root may write %.128s"
				   : "there are too many files in %.128s",
			    directory);
		return;
	}
	if (patient->trust != NULL)
		check_algorithms(patient, state == TRUST_OK);
	if (state != TRUST_OK && patient->trust != NULL && trust_unavailable(patient->trust) > 0)
		return;
	if (state != TRUST_OK) {
		finding_add(patient, FINDING_BAD, "trust anchors", mend, "there are none in %.128s",
			    directory);
		return;
	}
	skipped = trust_skipped(patient->trust, &name);
	if (skipped > 0)
		finding_add(
			patient, FINDING_WARNING, "trust anchors",
			"each must be a PEM public key or CA certificate that only root may write",
			"%u files cannot be used, the first is %.128s.pem", skipped, name);
	else if (trust_unavailable(patient->trust) == 0)
		finding_add(patient, FINDING_GOOD, "trust anchors", "", "all of %.128s can be used",
			    directory);
	check_expiry(patient);
}

static void check_instance(struct patient *patient)
{
	const char *source;

	if (instance_find(patient->config.instance_id, patient->instance_id, &source))
		finding_add(patient, FINDING_GOOD, "instance", "", "this is %s, according to %s",
			    patient->instance_id, source);
	else
		finding_add(
			patient, FINDING_BAD, "instance", "set instance_id in " CONFIG_FILE,
			"neither SMBIOS nor a local datasource of cloud-init says which instance this is");
}

/* What the ledger remembers about the time; all 0 without a ledger. */
struct memory {
	time_t earliest; /* that was vouched for */
	int64_t off; /* seconds, see skew_remembered() */
};

static struct memory remember(const struct patient *patient, time_t now)
{
	struct memory memory = { 0 };
	struct ledger ledger;

	if (!ledger_open_as_root(&ledger, LEDGER_DIR))
		return memory;
	memory.earliest = vouched_time_earliest(&ledger);
	memory.off = skew_remembered(&ledger, now, patient->config.max_key_lifetime);
	ledger_close(&ledger);
	return memory;
}

/* Our own clock is used. */
static void check_own_clock(struct patient *patient)
{
	const long long off = remember(patient, time(NULL)).off;

	if (llabs(off) > (long long)patient->config.clock_skew)
		finding_add(
			patient, FINDING_BAD, "clock", "set it: " SKEW_MEND,
			"this machine's clock is %lld seconds or more %s, by the last grant that was "
			"refused (%s); the endpoint signs no time",
			llabs(off), off < 0 ? "behind" : "ahead",
			grant_verdict_name(off < 0 ? GRANT_ISSUED_IN_FUTURE : GRANT_EXPIRED));
	else
		finding_add(patient, FINDING_GOOD, "clock", "",
			    "the endpoint signs no time: this machine's own clock is used");
}

/* The endpoint signs the time: how far off are our clock, and what it signed before? */
static void compare_clocks(struct patient *patient, time_t now, time_t signed_time)
{
	const long long skew = patient->config.clock_skew;
	const long long apart = (long long)now - (long long)signed_time;
	const time_t earliest = remember(patient, now).earliest;

	if (earliest > signed_time + skew)
		finding_add(
			patient, FINDING_BAD, "clock",
			"if that was wrong: rm " LEDGER_DIR "/" VOUCHED_TIME_STAMP,
			"a time %lld seconds ahead of the endpoint's was signed before, and by that "
			"every key has expired",
			(long long)(earliest - signed_time));
	else if (llabs(apart) > skew)
		finding_add(
			patient, FINDING_WARNING, "clock", "set it: " SKEW_MEND,
			"this machine's clock is %lld seconds %s the endpoint's, whose signed time "
			"is used for keys",
			llabs(apart), apart < 0 ? "behind" : "ahead of");
	else
		finding_add(patient, FINDING_GOOD, "clock", "",
			    "%lld seconds from the endpoint's, whose signed time is used for keys",
			    llabs(apart));
}

/* The endpoint's clock and ours. */
static void check_clock(struct patient *patient, const cJSON *answer, const char *nonce)
{
	const char *text = json_string(answer, "time");
	const struct signed_time_policy policy = {
		.trust = patient->trust,
		.signer_name = patient->config.signer_name[0] ? patient->config.signer_name : NULL,
		.instance_id = patient->instance_id,
		.nonce = nonce,
		.now = time(NULL),
	};
	enum grant_verdict verdict;
	time_t signed_time;

	if (text == NULL && patient->config.signed_time_required)
		finding_add(
			patient, FINDING_WARNING, "clock",
			"have the endpoint sign the time, or set signed_time = no in " CONFIG_FILE,
			"the endpoint answers without a signed time; if it also sends grants without "
			"one, no key is offered (%s)",
			grant_verdict_name(GRANT_TIME_MISSING));
	else if (text == NULL)
		check_own_clock(patient);
	if (text == NULL || patient->trust == NULL)
		return;
	verdict = signed_time_verify(text, strlen(text), &policy, &signed_time);
	if (verdict == GRANT_OK)
		compare_clocks(patient, policy.now, signed_time);
	else
		finding_add(patient, FINDING_BAD, "clock",
			    verdict == GRANT_ALGORITHM_UNAVAILABLE
				    ? algorithm_advice()
				    : "check the trust anchors and the instance id",
			    "the endpoint's signed time does not verify: %s",
			    grant_verdict_name(verdict));
}

static void check_endpoint(struct patient *patient)
{
	_cleanup_json_ cJSON *answer = NULL;
	char detail[PROBLEM_DETAIL_SIZE] = "", nonce[METADATA_NONCE_SIZE];
	struct timespec begin, end;
	enum problem problem;
	long milliseconds;

	if (!metadata_make_nonce(nonce))
		return;
	clock_gettime(CLOCK_MONOTONIC, &begin);
	problem = metadata_get_grants(&patient->config, PROBE_USER, PROBE_FINGERPRINT, nonce, NULL,
				      NULL, &answer, detail);
	clock_gettime(CLOCK_MONOTONIC, &end);
	milliseconds = (end.tv_sec - begin.tv_sec) * 1000 + (end.tv_nsec - begin.tv_nsec) / 1000000;
	if (problem != PROBLEM_NONE) {
		finding_add(patient, FINDING_BAD, "endpoint", problem_advice(problem), "%s (%s)",
			    detail, problem_name(problem));
		return;
	}
	finding_add(patient, FINDING_GOOD, "endpoint", "", "%.128s answers in %ld ms",
		    patient->config.metadata_url, milliseconds);
	if (answer != NULL)
		check_clock(patient, answer, nonce);
}

void diagnose_excloud(struct patient *patient)
{
	check_trust(patient);
	check_instance(patient);
	check_endpoint(patient);
}
