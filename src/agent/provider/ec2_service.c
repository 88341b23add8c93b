/* SPDX-License-Identifier: Apache-2.0 */
/* What EC2's metadata service knows about pushed keys: the instance, and their signer. */
#include "agent/provider/ec2_service.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "agent/provider/ec2_identity.h"
#include "ec2/staple_text.h"
#include "base/cleanup.h"

#define SIGNER_CERTIFICATE "managed-ssh-keys/signer-cert/"
#define STAPLES "managed-ssh-keys/signer-ocsp/"
/* Bytes of the list of staples: EC2_STAPLES_MAX names with room to spare */
#define STAPLES_LIST_BYTES_MAX 4096
#define LETTERS "abcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"

_Static_assert(SIGNER_WHY_SIZE <= PROBLEM_DETAIL_SIZE, "what is wrong fits into a detail");

typedef struct signer signer_t;
DEFINE_CLEANUP(signer_t, signer_free);

enum problem ec2_get_instance(struct imds *imds, const struct config *config,
			      char id[INSTANCE_ID_SIZE], const char **source,
			      char detail[PROBLEM_DETAIL_SIZE])
{
	char word[IMDS_WORD_SIZE];
	enum problem problem = imds_get_word(imds, "instance-id", word, detail);

	if (problem != PROBLEM_NONE)
		return problem;
	if (!ec2_identity_holds(config->instance_id, word, source, detail))
		return PROBLEM_INSTANCE_UNKNOWN;
	snprintf(id, INSTANCE_ID_SIZE, "%.*s", INSTANCE_ID_SIZE - 1, word);
	return PROBLEM_NONE;
}

/* Cut "us-gov-west-1b", and a local zone's "us-west-2-lax-1a", after the first number. False if no
 * number follows two or more words. */
static bool make_region(char *zone)
{
	unsigned int words = 0;
	char *at = zone;

	/* Bounded by IMDS_WORD_SIZE */
	while (strspn(at, LETTERS) > 0 && at[strspn(at, LETTERS)] == '-') {
		at += strspn(at, LETTERS) + 1;
		words++;
	}
	if (words < 2 || strspn(at, DIGITS) == 0)
		return false;
	at[strspn(at, DIGITS)] = '\0';
	return true;
}

static bool is_domain(const char *domain)
{
	static const char *const domains[] = { "amazonaws.com", "amazonaws.com.cn", "c2s.ic.gov",
					       "sc2s.sgov.gov" };

	for (size_t i = 0; i < sizeof domains / sizeof domains[0]; i++)
		if (strcmp(domain, domains[i]) == 0)
			return true;
	return false;
}

enum problem ec2_get_signer_name(struct imds *imds, char name[SIGNER_NAME_SIZE],
				 char detail[PROBLEM_DETAIL_SIZE])
{
	char zone[IMDS_WORD_SIZE], domain[IMDS_WORD_SIZE];
	enum problem problem = imds_get_word(imds, "placement/availability-zone", zone, detail);
	int length;

	if (problem == PROBLEM_NONE)
		problem = imds_get_word(imds, "services/domain", domain, detail);
	if (problem != PROBLEM_NONE)
		return problem;
	if (!make_region(zone) || !is_domain(domain)) {
		snprintf(detail, PROBLEM_DETAIL_SIZE, "%.64s at %.64s is not an EC2 location", zone,
			 domain);
		return PROBLEM_ANSWER_MALFORMED;
	}
	length = snprintf(name, SIGNER_NAME_SIZE, "managed-ssh-signer.%s.%s", zone, domain);
	if (length < SIGNER_NAME_SIZE)
		return PROBLEM_NONE;
	snprintf(detail, PROBLEM_DETAIL_SIZE, "the region's name is too long");
	return PROBLEM_ANSWER_MALFORMED;
}

/* Ask for the staple of certificate `i`, and verify it. */
static enum problem get_staple(struct imds *imds, struct signer *signer, unsigned int i,
			       const char *name, enum grant_verdict *verdict, char *detail)
{
	_cleanup_(http_free) struct http_answer answer = { 0 };
	uint8_t der[SIGNER_STAPLE_BYTES_MAX];
	char path[IMDS_PATH_SIZE];
	enum problem problem;
	ssize_t length;

	snprintf(path, sizeof path, STAPLES "%s", name);
	problem = imds_get(imds, path, STAPLE_TEXT_BYTES_MAX, &answer, detail);
	if (problem != PROBLEM_NONE)
		return problem;
	length = answer.status == 200 ? staple_decode(answer.body, answer.length, der) : 0;
	if (length < 0) {
		snprintf(detail, PROBLEM_DETAIL_SIZE, "the staple %.64s is not base64", name);
		*verdict = GRANT_STAPLE_MALFORMED;
	} else if (length > 0) {
		*verdict = signer_take_staple(signer, i, der, (size_t)length, detail);
	}
	return PROBLEM_NONE;
}

/* Ask for this staple if a certificate of the chain needs it. */
static enum problem get_named_staple(struct imds *imds, struct signer *signer, const char *name,
				     enum grant_verdict *verdict, char *detail)
{
	for (unsigned int i = 0; i < signer_staples(signer); i++)
		if (signer_names_staple(signer, i, name))
			return get_staple(imds, signer, i, name, verdict, detail);
	return PROBLEM_NONE;
}

/* Ask for all staples that the chain needs; those of other certificates are ignored. */
static enum problem get_staples(struct imds *imds, struct signer *signer,
				enum grant_verdict *verdict, char *detail)
{
	_cleanup_(http_free) struct http_answer answer = { 0 };
	enum problem problem = imds_get(imds, STAPLES, STAPLES_LIST_BYTES_MAX, &answer, detail);
	char *rest = answer.status == 200 ? answer.body : NULL;
	char *name = rest == NULL ? NULL : strtok_r(rest, " \t\r\n", &rest);

	for (unsigned int i = 0;
	     problem == PROBLEM_NONE && *verdict == GRANT_OK && name != NULL && i < EC2_STAPLES_MAX;
	     i++) {
		problem = get_named_staple(imds, signer, name, verdict, detail);
		name = strtok_r(NULL, " \t\r\n", &rest);
	}
	if (problem == PROBLEM_NONE && *verdict == GRANT_OK)
		*verdict = signer_complete(signer, detail);
	return problem;
}

enum problem ec2_get_signer(struct imds *imds, const char *name, time_t now, struct signer **result,
			    enum grant_verdict *verdict, char detail[PROBLEM_DETAIL_SIZE])
{
	const struct signer_policy policy = { .name = name, .now = now };
	_cleanup_(http_free) struct http_answer answer = { 0 };
	_cleanup_(cleanup_signer_free) signer_t *signer = NULL;
	enum problem problem =
		imds_get(imds, SIGNER_CERTIFICATE, SIGNER_CHAIN_BYTES_MAX, &answer, detail);

	*result = NULL;
	if (problem != PROBLEM_NONE)
		return problem;
	if (answer.status != 200 || answer.length == 0) {
		snprintf(detail, PROBLEM_DETAIL_SIZE,
			 "the metadata service has no signer certificate");
		*verdict = GRANT_UNKNOWN_KEY;
		return PROBLEM_NONE;
	}
	*verdict = signer_open(answer.body, answer.length, &policy, &signer, detail);
	if (*verdict == GRANT_OK)
		problem = get_staples(imds, signer, verdict, detail);
	if (problem != PROBLEM_NONE || *verdict != GRANT_OK)
		return problem;
	*result = signer;
	signer = NULL;
	return PROBLEM_NONE;
}
