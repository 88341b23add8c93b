/* SPDX-License-Identifier: Apache-2.0 */
/* Parse and verify a JWS in compact form (RFC 7515, RFC 7518, RFC 8037). */
#include "grant/jws.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "base/base64.h"
#include "base/json.h"
#include "grant/algorithm.h"
#include "grant/x5c.h"

/* A signature of the largest RSA key that is accepted */
#define SIGNATURE_BYTES_MAX (ALGORITHM_RSA_BITS_MAX / 8)
#define ES256_COORDINATE_BYTES 32
#define ED25519_SIGNATURE_BYTES 64

DEFINE_CLEANUP(EVP_PKEY, EVP_PKEY_free);
DEFINE_CLEANUP(EVP_MD_CTX, EVP_MD_CTX_free);
DEFINE_CLEANUP(ECDSA_SIG, ECDSA_SIG_free);

/* The three parts, still encoded, and the signed text: header, dot, payload. */
struct parts {
	const char *header, *payload, *signature;
	size_t header_length, payload_length, signature_length;
	const char *signed_text;
	size_t signed_length;
};

static bool split(const char *text, size_t length, struct parts *parts)
{
	const char *end = text + length;
	const char *first = memchr(text, '.', length);
	const char *second = first ? memchr(first + 1, '.', (size_t)(end - first - 1)) : NULL;

	if (second == NULL)
		return false;
	parts->header = text;
	parts->header_length = (size_t)(first - text);
	parts->payload = first + 1;
	parts->payload_length = (size_t)(second - first - 1);
	parts->signature = second + 1;
	parts->signature_length = (size_t)(end - second - 1);
	parts->signed_text = text;
	parts->signed_length = (size_t)(second - text);
	return true;
}

/* All three parts decoded; bounded by JWS_BYTES_MAX, so that they can be on the stack. */
struct decoded {
	uint8_t header[JWS_BYTES_MAX], payload[JWS_BYTES_MAX], signature[SIGNATURE_BYTES_MAX];
	ssize_t header_length, payload_length, signature_length;
};

/* Everything is decoded before anything is trusted. */
static bool decode(const struct parts *parts, struct decoded *decoded)
{
	decoded->header_length = base64url_decode(parts->header, parts->header_length,
						  decoded->header, sizeof decoded->header);
	decoded->payload_length = base64url_decode(parts->payload, parts->payload_length,
						   decoded->payload, sizeof decoded->payload);
	decoded->signature_length = base64url_decode(parts->signature, parts->signature_length,
						     decoded->signature, sizeof decoded->signature);
	return decoded->header_length >= 0 && decoded->payload_length >= 0 &&
	       decoded->signature_length >= 0;
}

/* JWS writes an ECDSA signature as two coordinates (RFC 7518 section 3.4); OpenSSL wants DER.
 * *der is the caller's, to OPENSSL_free(). Returns its length, or -1. */
static int ecdsa_to_der(const uint8_t *raw, size_t length, unsigned char **der)
{
	_cleanup_(cleanup_ECDSA_SIG_free) ECDSA_SIG *signature = ECDSA_SIG_new();
	BIGNUM *r, *s;

	if (signature == NULL || length != 2 * ES256_COORDINATE_BYTES)
		return -1;
	r = BN_bin2bn(raw, ES256_COORDINATE_BYTES, NULL);
	s = BN_bin2bn(raw + ES256_COORDINATE_BYTES, ES256_COORDINATE_BYTES, NULL);
	if (r == NULL || s == NULL || ECDSA_SIG_set0(signature, r, s) != 1) {
		BN_free(r);
		BN_free(s);
		return -1;
	}
	return i2d_ECDSA_SIG(signature, der);
}

static bool verify_signature(EVP_PKEY *key, enum algorithm algorithm, const struct parts *parts,
			     const uint8_t *signature, size_t length)
{
	_cleanup_(cleanup_EVP_MD_CTX_free) EVP_MD_CTX *context = EVP_MD_CTX_new();
	const EVP_MD *hash = algorithm == EDDSA ? NULL : EVP_sha256();
	const unsigned char *text = (const unsigned char *)parts->signed_text;
	EVP_PKEY_CTX *key_context = NULL; /* owned by context */
	unsigned char *der = NULL;
	int der_length;
	bool good;

	if (context == NULL || EVP_DigestVerifyInit(context, &key_context, hash, NULL, key) != 1)
		return false;
	switch (algorithm) {
	case EDDSA:
		return length == ED25519_SIGNATURE_BYTES &&
		       EVP_DigestVerify(context, signature, length, text, parts->signed_length) ==
			       1;
	case PS256: /* the salt is as long as the hash (RFC 7518 section 3.5) */
		return EVP_PKEY_CTX_set_rsa_padding(key_context, RSA_PKCS1_PSS_PADDING) == 1 &&
		       EVP_PKEY_CTX_set_rsa_pss_saltlen(key_context, RSA_PSS_SALTLEN_DIGEST) == 1 &&
		       EVP_PKEY_CTX_set_rsa_mgf1_md(key_context, EVP_sha256()) == 1 &&
		       EVP_DigestVerify(context, signature, length, text, parts->signed_length) ==
			       1;
	case ES256:
		der_length = ecdsa_to_der(signature, length, &der);
		good = der_length > 0 && EVP_DigestVerify(context, der, (size_t)der_length, text,
							  parts->signed_length) == 1;
		OPENSSL_free(der);
		return good;
	case ALGORITHM_NONE:
		break;
	}
	return false;
}

/* Check the header before looking for a key. */
static enum grant_verdict check_header(const cJSON *header, const char *typ,
				       enum algorithm *algorithm)
{
	const char *header_typ = json_string(header, "typ");
	const char *alg = json_string(header, "alg");
	const cJSON *kid = json_member(header, "kid");
	const cJSON *x5c = json_member(header, "x5c");

	if (json_member(header, "crit") != NULL)
		return GRANT_CRITICAL_HEADER;
	if (header_typ == NULL || strcmp(header_typ, typ) != 0)
		return GRANT_WRONG_TYPE;
	*algorithm = alg == NULL ? ALGORITHM_NONE : algorithm_named(alg);
	if (*algorithm == ALGORITHM_NONE)
		return GRANT_ALGORITHM_NOT_ALLOWED;
	if ((kid == NULL) == (x5c == NULL) || (kid != NULL && !cJSON_IsString(kid)))
		return GRANT_BAD_HEADER;
	return GRANT_OK;
}

/* The key that the header names; on GRANT_OK the caller owns a reference. */
static enum grant_verdict find_key(const cJSON *header, const struct jws_policy *policy,
				   EVP_PKEY **key)
{
	const char *kid = json_string(header, "kid");

	if (trust_load(policy->trust) == TRUST_NO_MEMORY)
		return GRANT_NO_MEMORY;
	if (kid == NULL)
		return x5c_verify(json_member(header, "x5c"), policy->trust, policy->now,
				  policy->signer_name, key);
	*key = trust_key(policy->trust, kid);
	if (*key == NULL)
		return GRANT_UNKNOWN_KEY;
	EVP_PKEY_up_ref(*key);
	return GRANT_OK;
}

static enum grant_verdict parse_object(const unsigned char *bytes, ssize_t length, cJSON **object)
{
	switch (json_parse((const char *)bytes, (size_t)length, object)) {
	case JSON_OK:
		return GRANT_OK;
	case JSON_DUPLICATE_MEMBER:
		return GRANT_DUPLICATE_MEMBER;
	case JSON_NO_MEMORY:
		return GRANT_NO_MEMORY;
	case JSON_MALFORMED:
		break;
	}
	return GRANT_BAD_JSON;
}

/* Is it by the key that its header names? */
static enum grant_verdict verify_by_key(const cJSON *header, enum algorithm algorithm,
					const struct jws_policy *policy, const struct parts *parts,
					const struct decoded *decoded)
{
	_cleanup_(cleanup_EVP_PKEY_free) EVP_PKEY *key = NULL;
	const enum grant_verdict verdict = find_key(header, policy, &key);

	if (verdict != GRANT_OK)
		return verdict;
	if (algorithm_of(key) != algorithm)
		return GRANT_WRONG_ALGORITHM;
	return verify_signature(key, algorithm, parts, decoded->signature,
				(size_t)decoded->signature_length)
		       ? GRANT_OK
		       : GRANT_BAD_SIGNATURE;
}

enum grant_verdict jws_verify(const char *text, size_t length, const struct jws_policy *policy,
			      cJSON **claims)
{
	_cleanup_json_ cJSON *header = NULL;
	enum algorithm algorithm;
	enum grant_verdict verdict;
	struct decoded decoded;
	struct parts parts;

	*claims = NULL;
	if (length > JWS_BYTES_MAX)
		return GRANT_TOO_LARGE;
	if (!split(text, length, &parts) || !decode(&parts, &decoded))
		return GRANT_BAD_ENCODING;
	verdict = parse_object(decoded.header, decoded.header_length, &header);
	if (verdict == GRANT_OK)
		verdict = check_header(header, policy->typ, &algorithm);
	if (verdict != GRANT_OK)
		return verdict;
	verdict = verify_by_key(header, algorithm, policy, &parts, &decoded);
	/* Without the algorithm, OpenSSL reads no key of it either: whatever that was taken for. */
	if (verdict != GRANT_OK && verdict != GRANT_NO_MEMORY && !algorithm_is_available(algorithm))
		return GRANT_ALGORITHM_UNAVAILABLE;
	if (verdict != GRANT_OK)
		return verdict;
	return parse_object(decoded.payload, decoded.payload_length, claims);
}
