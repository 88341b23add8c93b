/* SPDX-License-Identifier: Apache-2.0 */
/* Does the OCSP response that came with a certificate report it as good (RFC 6960)? */
#include "ec2/staple.h"

#include <stdbool.h>

#include <openssl/ocsp.h>

#include "ec2/signer.h"
#include "base/cleanup.h"

/* Seconds that the responder's clock and ours may be apart, as openssl-ocsp(1) has it */
#define CLOCK_TOLERANCE 300
/* Certificates that one response may cover */
#define SINGLES_MAX 16

DEFINE_CLEANUP(OCSP_RESPONSE, OCSP_RESPONSE_free);
DEFINE_CLEANUP(OCSP_BASICRESP, OCSP_BASICRESP_free);
typedef STACK_OF(X509) certificate_stack;
DEFINE_CLEANUP(certificate_stack, sk_X509_free);

static enum grant_verdict refuse(const char **why, enum grant_verdict verdict, const char *text)
{
	*why = text;
	return verdict;
}

/* Is this id that of the certificate, with the digest that the id itself names? */
static bool is_for(const OCSP_CERTID *id, const struct staple_policy *policy)
{
	const EVP_MD *hash;
	ASN1_OBJECT *algorithm;
	OCSP_CERTID *ours;
	bool same;

	if (OCSP_id_get0_info(NULL, &algorithm, NULL, NULL, (OCSP_CERTID *)id) != 1)
		return false;
	hash = EVP_get_digestbyobj(algorithm);
	ours = hash == NULL ? NULL : OCSP_cert_to_id(hash, policy->certificate, policy->issuer);
	same = ours != NULL && OCSP_id_cmp((OCSP_CERTID *)id, ours) == 0;
	OCSP_CERTID_free(ours);
	return same;
}

/* The response's entry for the certificate, owned by it. NULL when it covers only others. */
static OCSP_SINGLERESP *find_single(OCSP_BASICRESP *basic, const struct staple_policy *policy)
{
	for (int i = 0; i < OCSP_resp_count(basic) && i < SINGLES_MAX; i++) {
		OCSP_SINGLERESP *single = OCSP_resp_get0(basic, i);

		if (is_for(OCSP_SINGLERESP_get0_id(single), policy))
			return single;
	}
	return NULL;
}

/* By the issuer itself, which is verified already; or by its delegate, whose certificate the
 * response carries. */
static bool is_signed(OCSP_BASICRESP *basic, const struct staple_policy *policy)
{
	_cleanup_(cleanup_sk_X509_free) certificate_stack *issuer = sk_X509_new_null();

	if (issuer == NULL || sk_X509_push(issuer, policy->issuer) == 0)
		return false;
	return OCSP_basic_verify(basic, issuer, policy->store, OCSP_TRUSTOTHER) == 1 ||
	       OCSP_basic_verify(basic, policy->others, policy->store, 0) == 1;
}

static enum grant_verdict check_single(OCSP_SINGLERESP *single, time_t now, const char **why)
{
	ASN1_GENERALIZEDTIME *from = NULL, *until = NULL;
	int status = OCSP_single_get0_status(single, NULL, NULL, &from, &until);
	time_t latest = now + CLOCK_TOLERANCE, earliest = now - CLOCK_TOLERANCE;

	/* X509_cmp_time() returns 0 for what is not a time. */
	if (from == NULL || X509_cmp_time(from, &latest) != -1)
		return refuse(why, GRANT_STAPLE_EXPIRED, "is from the future");
	if (until == NULL)
		return refuse(why, GRANT_STAPLE_EXPIRED,
			      "has no nextUpdate, so nobody knows until when it is valid");
	if (X509_cmp_time(until, &earliest) != 1)
		return refuse(why, GRANT_STAPLE_EXPIRED, "is out of date");
	if (status == V_OCSP_CERTSTATUS_REVOKED)
		return refuse(why, GRANT_SIGNER_REVOKED, "reports that it is revoked");
	if (status != V_OCSP_CERTSTATUS_GOOD)
		return refuse(why, GRANT_STAPLE_NOT_GOOD, "does not report it as good");
	return GRANT_OK;
}

enum grant_verdict staple_verify(const uint8_t *der, size_t length,
				 const struct staple_policy *policy, const char **why)
{
	_cleanup_(cleanup_OCSP_RESPONSE_free) OCSP_RESPONSE *response = NULL;
	_cleanup_(cleanup_OCSP_BASICRESP_free) OCSP_BASICRESP *basic = NULL;
	const unsigned char *at = der;
	OCSP_SINGLERESP *single;

	if (length <= SIGNER_STAPLE_BYTES_MAX)
		response = d2i_OCSP_RESPONSE(NULL, &at, (long)length);
	if (response == NULL || at != der + length)
		return refuse(why, GRANT_STAPLE_MALFORMED, "is not an OCSP response");
	if (OCSP_response_status(response) != OCSP_RESPONSE_STATUS_SUCCESSFUL)
		return refuse(why, GRANT_STAPLE_NOT_GOOD, "reports that the responder failed");
	basic = OCSP_response_get1_basic(response);
	if (basic == NULL)
		return refuse(why, GRANT_STAPLE_MALFORMED, "is not a basic OCSP response");
	single = find_single(basic, policy);
	if (single == NULL)
		return refuse(why, GRANT_STAPLE_OTHER_CERTIFICATE, "is for another certificate");
	if (!is_signed(basic, policy))
		return refuse(why, GRANT_STAPLE_BAD_SIGNATURE,
			      "is not signed by the issuer or its delegate");
	return check_single(single, policy->now, why);
}
