/* SPDX-License-Identifier: Apache-2.0 */
/* The algorithms that may sign grants (RFC 7518, RFC 8037), and whether this OpenSSL has them. */
#include "grant/algorithm.h"

#include <string.h>

#include <openssl/ec.h>
#include <openssl/rsa.h>

enum algorithm algorithm_named(const char *name)
{
	if (strcmp(name, "EdDSA") == 0)
		return EDDSA;
	if (strcmp(name, "ES256") == 0)
		return ES256;
	return strcmp(name, "PS256") == 0 ? PS256 : ALGORITHM_NONE;
}

/* The curve of an EC key. OpenSSL before 3.0 has no EVP_PKEY_get_group_name(). */
static bool is_p256(EVP_PKEY *key)
{
#if OPENSSL_VERSION_NUMBER >= 0x30000000L
	char group[64];

	return EVP_PKEY_get_group_name(key, group, sizeof group, NULL) == 1 &&
	       strcmp(group, "prime256v1") == 0;
#else
	const EC_KEY *ec = EVP_PKEY_get0_EC_KEY(key);

	return ec != NULL && EC_GROUP_get_curve_name(EC_KEY_get0_group(ec)) == NID_X9_62_prime256v1;
#endif
}

enum algorithm algorithm_of(EVP_PKEY *key)
{
	const int bits = EVP_PKEY_bits(key);

	switch (EVP_PKEY_base_id(key)) {
	case EVP_PKEY_ED25519:
		return EDDSA;
	case EVP_PKEY_EC:
		return is_p256(key) ? ES256 : ALGORITHM_NONE;
	case EVP_PKEY_RSA:
		return bits >= ALGORITHM_RSA_BITS_MIN && bits <= ALGORITHM_RSA_BITS_MAX
			       ? PS256
			       : ALGORITHM_NONE;
	default:
		return ALGORITHM_NONE;
	}
}

enum algorithm algorithm_of_public(X509_PUBKEY *key)
{
	ASN1_OBJECT *kind = NULL;

	if (X509_PUBKEY_get0_param(&kind, NULL, NULL, NULL, key) != 1)
		return ALGORITHM_NONE;
	switch (OBJ_obj2nid(kind)) {
	case NID_ED25519:
		return EDDSA;
	case NID_X9_62_id_ecPublicKey:
		return ES256;
	case NID_rsaEncryption:
		return PS256;
	default:
		return ALGORITHM_NONE;
	}
}

#if OPENSSL_VERSION_NUMBER >= 0x30000000L
/* OpenSSL's names for the keys and the signatures of each */
static const struct {
	const char *keys, *signatures;
} names[] = {
	[EDDSA] = { "ED25519", "ED25519" },
	[ES256] = { "EC", "ECDSA" },
	[PS256] = { "RSA", "RSA" },
};

bool algorithm_is_available(enum algorithm algorithm)
{
	EVP_SIGNATURE *signatures;
	EVP_KEYMGMT *keys;
	bool available;

	if (algorithm == ALGORITHM_NONE)
		return false;
	keys = EVP_KEYMGMT_fetch(NULL, names[algorithm].keys, NULL);
	signatures = EVP_SIGNATURE_fetch(NULL, names[algorithm].signatures, NULL);
	available = keys != NULL && signatures != NULL;
	EVP_KEYMGMT_free(keys);
	EVP_SIGNATURE_free(signatures);
	return available;
}
#else
bool algorithm_is_available(enum algorithm algorithm)
{
	static const int kinds[] = {
		[EDDSA] = EVP_PKEY_ED25519, [ES256] = EVP_PKEY_EC, [PS256] = EVP_PKEY_RSA
	};
	EVP_PKEY_CTX *context;
	bool available;

	if (algorithm == ALGORITHM_NONE)
		return false;
	context = EVP_PKEY_CTX_new_id(kinds[algorithm], NULL);
	available = context != NULL;
	EVP_PKEY_CTX_free(context);
	return available;
}
#endif

const char *algorithm_advice(void)
{
	if (!algorithm_is_available(EDDSA))
		return "this OpenSSL has no Ed25519; have the operator sign with ES256";
	return "this OpenSSL lacks the algorithm; have the operator sign with another";
}
