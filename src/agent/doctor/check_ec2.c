/* SPDX-License-Identifier: Apache-2.0 */
/* Could a key pushed on EC2 work here: is there an endpoint, an identity, and a signer? */
#include "agent/doctor/check_ec2.h"

#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#include "agent/provider/ec2_service.h"
#include "agent/provider/imds.h"
#include "ledger/paths.h"
#include "base/cleanup.h"

#define SIGNER_MEND                                                                                \
	"what AWS sends to the instance cannot be fixed here; if the reason is untrusted_chain, "  \
	"install ca-certificates; if it is staple_expired and the staple has a nextUpdate, set the clock: timedatectl set-ntp true"

static void find_problem(struct patient *patient, enum problem problem, const char *detail)
{
	finding_add(patient, FINDING_BAD, "endpoint", problem_advice(problem), "%s (%s)", detail,
		    problem_name(problem));
}

static long ms_since(const struct timespec *begin)
{
	struct timespec end;

	clock_gettime(CLOCK_MONOTONIC, &end);
	return (end.tv_sec - begin->tv_sec) * 1000 + (end.tv_nsec - begin->tv_nsec) / 1000000;
}

/* A session, and which instance this is. */
static bool check_instance(struct patient *patient, struct imds *imds)
{
	char detail[PROBLEM_DETAIL_SIZE] = "";
	const char *source;
	struct timespec begin;
	enum problem problem;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	problem = imds_open(imds, &patient->config, detail);
	if (problem == PROBLEM_NONE)
		problem = ec2_get_instance(imds, &patient->config, patient->instance_id, &source,
					   detail);
	if (problem != PROBLEM_NONE && problem != PROBLEM_INSTANCE_UNKNOWN) {
		find_problem(patient, problem, detail);
		return false;
	}
	finding_add(patient, FINDING_GOOD, "endpoint", "", "%.128s answers in %ld ms",
		    patient->config.metadata_url, ms_since(&begin));
	if (problem == PROBLEM_NONE)
		finding_add(patient, FINDING_GOOD, "instance", "", "this is %s, according to %s",
			    patient->instance_id, source);
	else
		finding_add(patient, FINDING_BAD, "instance", problem_advice(problem), "%s",
			    detail);
	return problem == PROBLEM_NONE;
}

static void check_signer(struct patient *patient, struct imds *imds)
{
	char detail[PROBLEM_DETAIL_SIZE] = "", name[SIGNER_NAME_SIZE];
	enum grant_verdict verdict = GRANT_OK;
	struct signer *signer = NULL;
	enum problem problem = ec2_get_signer_name(imds, name, detail);

	if (problem == PROBLEM_NONE)
		problem = ec2_get_signer(imds, name, time(NULL), &signer, &verdict, detail);
	if (problem != PROBLEM_NONE)
		find_problem(patient, problem, detail);
	else if (verdict == GRANT_UNKNOWN_KEY)
		finding_add(patient, FINDING_GOOD, "signer", "",
			    "%s: its certificate is served only while there is a pushed key", name);
	else if (verdict != GRANT_OK)
		finding_add(patient, FINDING_BAD, "signer", SIGNER_MEND, "%s: %s (%s)", name,
			    detail, grant_verdict_name(verdict));
	else
		finding_add(patient, FINDING_GOOD, "signer", "", "%s is trusted", name);
	signer_free(signer);
}

void diagnose_ec2(struct patient *patient)
{
	struct imds imds = { 0 };

	if (check_instance(patient, &imds))
		check_signer(patient, &imds);
}
