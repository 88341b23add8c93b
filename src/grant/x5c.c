/* SPDX-License-Identifier: Apache-2.0 */
/* Verify the certificate chain in a JWS header (RFC 7515 section 4.1.6, RFC 5280). */
#include "grant/x5c.h"

#include <string.h>

#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "base/base64.h"
#include "base/cleanup.h"
#include "base/json.h"

typedef STACK_OF(X509) certificate_stack;

static void free_certificates(certificate_stack *certificates)
{
	sk_X509_pop_free(certificates, X509_free);
}

DEFINE_CLEANUP(certificate_stack, free_certificates);
DEFINE_CLEANUP(X509_STORE, X509_STORE_free);
DEFINE_CLEANUP(X509_STORE_CTX, X509_STORE_CTX_free);

static X509 *decode_certificate(const cJSON *element)
{
	uint8_t der[X5C_CERTIFICATE_BYTES_MAX];
	const unsigned char *at = der;
	const char *text = cJSON_GetStringValue(element);
	ssize_t length = text == NULL ? -1 : base64_decode(text, strlen(text), der, sizeof der);
	X509 *certificate;

	if (length <= 0)
		return NULL;
	certificate = d2i_X509(NULL, &at, length);
	if (certificate != NULL && at != der + length) {
		X509_free(certificate);
		return NULL;
	}
	return certificate;
}

/* All certificates of the header, leaf first; the caller frees. NULL when one is malformed. */
static certificate_stack *decode_chain(const cJSON *chain)
{
	int count = cJSON_IsArray(chain) ? cJSON_GetArraySize(chain) : 0;
	certificate_stack *certificates;
	const cJSON *element;

	if (count < 1 || count > X5C_CHAIN_MAX)
		return NULL;
	certificates = sk_X509_new_null();
	cJSON_ArrayForEach(element, chain)
	{
		X509 *certificate = decode_certificate(element);

		if (certificate == NULL || certificates == NULL ||
		    sk_X509_push(certificates, certificate) == 0) {
			X509_free(certificate);
			free_certificates(certificates);
			return NULL;
		}
	}
	return certificates;
}

static X509_STORE *store_of(const struct trust *trust)
{
	certificate_stack *authorities = trust_authorities(trust);
	X509_STORE *store = X509_STORE_new();

	for (int i = 0; store != NULL && i < sk_X509_num(authorities); i++) {
		if (X509_STORE_add_cert(store, sk_X509_value(authorities, i)) == 1)
			continue;
		X509_STORE_free(store);
		store = NULL;
	}
	return store;
}

static enum grant_verdict build_chain(certificate_stack *certificates, const struct trust *trust,
				      time_t now)
{
	_cleanup_(cleanup_X509_STORE_free) X509_STORE *store = store_of(trust);
	_cleanup_(cleanup_X509_STORE_CTX_free) X509_STORE_CTX *context = X509_STORE_CTX_new();
	X509_VERIFY_PARAM *parameters;

	if (store == NULL || context == NULL ||
	    X509_STORE_CTX_init(context, store, sk_X509_value(certificates, 0), certificates) != 1)
		return GRANT_NO_MEMORY;
	parameters = X509_STORE_CTX_get0_param(context);
	/* An intermediate CA in the trust directory is trusted by itself: an administrator put it
	 * there, and its root need not be on the machine. */
	X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_PARTIAL_CHAIN);
	X509_VERIFY_PARAM_set_depth(parameters, X5C_CHAIN_MAX);
	X509_VERIFY_PARAM_set_time(parameters, now);
	return X509_verify_cert(context) == 1 ? GRANT_OK : GRANT_UNTRUSTED_CHAIN;
}

enum grant_verdict x5c_verify(const cJSON *chain, const struct trust *trust, time_t now,
			      const char *signer_name, EVP_PKEY **key)
{
	_cleanup_(cleanup_free_certificates) certificate_stack *certificates = decode_chain(chain);
	enum grant_verdict verdict;
	X509 *leaf;

	*key = NULL;
	if (certificates == NULL)
		return GRANT_BAD_HEADER;
	leaf = sk_X509_value(certificates, 0);
	verdict = build_chain(certificates, trust, now);
	if (verdict != GRANT_OK)
		return verdict;
	/* X509_get_key_usage() returns UINT32_MAX, all bits, for a certificate without the
	 * extension: the extension has to be there. */
	if ((X509_get_extension_flags(leaf) & EXFLAG_KUSAGE) == 0 ||
	    (X509_get_key_usage(leaf) & KU_DIGITAL_SIGNATURE) == 0)
		return GRANT_SIGNER_NOT_ALLOWED;
	if (signer_name != NULL &&
	    X509_check_host(leaf, signer_name, strlen(signer_name),
			    X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_WILDCARDS,
			    NULL) != 1)
		return GRANT_SIGNER_NOT_ALLOWED;
	*key = X509_get_pubkey(leaf);
	return *key == NULL ? GRANT_SIGNER_NOT_ALLOWED : GRANT_OK;
}
