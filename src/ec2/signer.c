/* SPDX-License-Identifier: Apache-2.0 */
/* Who signs pushed keys on EC2: a certificate chain up to a CA of the system, and an OCSP response
 * for each certificate in it (RFC 5280, RFC 6960). */
#include "ec2/signer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "ec2/staple.h"
#include "base/cleanup.h"

#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX 8192
/* 112 bits: no SHA-1 signature, no RSA under 2048 bits (X509_VERIFY_PARAM_set_auth_level(3)) */
#define AUTH_LEVEL 2

typedef STACK_OF(X509) certificate_stack;

static void free_certificates(certificate_stack *certificates)
{
	sk_X509_pop_free(certificates, X509_free);
}

DEFINE_CLEANUP(BIO, BIO_free_all);
DEFINE_CLEANUP(X509_STORE_CTX, X509_STORE_CTX_free);
typedef struct signer signer_t;
DEFINE_CLEANUP(signer_t, signer_free);

struct signer {
	X509_STORE *store;
	certificate_stack *given; /* what was sent, leaf first */
	certificate_stack *chain; /* what was verified: leaf first, the trusted root last */
	bool taken[SIGNER_CERTIFICATES_MAX + 1]; /* staples */
	EVP_PKEY *key; /* the leaf's */
	time_t now;
};

static enum grant_verdict refuse(char *why, enum grant_verdict verdict, const char *text)
{
	snprintf(why, SIGNER_WHY_SIZE, "%s", text);
	return verdict;
}

/* Read one certificate of a PEM text. False at its end, or with *malformed. */
static bool read_certificate(BIO *text, X509 **certificate, bool *malformed)
{
	char *name = NULL, *header = NULL;
	unsigned char *der = NULL;
	const unsigned char *at;
	long length;

	*certificate = NULL;
	/* PEM_read_bio_X509() would ask a person for a passphrase. */
	if (PEM_read_bio(text, &name, &header, &der, &length) != 1)
		return false;
	at = der;
	if (strcmp(name, PEM_STRING_X509) == 0 && header[0] == '\0')
		*certificate = d2i_X509(NULL, &at, length);
	*malformed = *certificate == NULL || at != der + length;
	OPENSSL_free(name);
	OPENSSL_free(header);
	OPENSSL_free(der);
	return !*malformed;
}

/* Read the certificates of a PEM text; false when it has none, too many, or a malformed one. */
static bool read_chain(struct signer *signer, const char *text, size_t length)
{
	_cleanup_(cleanup_BIO_free_all) BIO *bio = NULL;
	bool malformed = false;
	X509 *certificate = NULL;

	signer->given = sk_X509_new_null();
	if (length > SIGNER_CHAIN_BYTES_MAX || signer->given == NULL)
		return false;
	bio = BIO_new_mem_buf(text, (int)length);
	while (bio != NULL && read_certificate(bio, &certificate, &malformed)) {
		if (sk_X509_num(signer->given) == SIGNER_CERTIFICATES_MAX ||
		    sk_X509_push(signer->given, certificate) == 0) {
			X509_free(certificate);
			return false;
		}
		certificate = NULL;
	}
	X509_free(certificate);
	return !malformed && sk_X509_num(signer->given) > 0;
}

/* Is this the one common name of the subject? */
static bool has_name(const X509 *certificate, const char *wanted)
{
	const X509_NAME *subject = X509_get_subject_name(certificate);
	int at = X509_NAME_get_index_by_NID((X509_NAME *)subject, NID_commonName, -1);
	const ASN1_STRING *name;

	if (at < 0 || X509_NAME_get_index_by_NID((X509_NAME *)subject, NID_commonName, at) >= 0)
		return false;
	name = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
	return ASN1_STRING_length(name) == (int)strlen(wanted) &&
	       memcmp(ASN1_STRING_get0_data(name), wanted, strlen(wanted)) == 0;
}

/* May this key sign? The certificate's key usage says so, or says nothing. */
static bool may_sign(X509 *certificate, const EVP_PKEY *key)
{
	return key != NULL && EVP_PKEY_base_id(key) == EVP_PKEY_RSA &&
	       EVP_PKEY_bits(key) >= RSA_BITS_MIN && EVP_PKEY_bits(key) <= RSA_BITS_MAX &&
	       (X509_get_key_usage(certificate) & KU_DIGITAL_SIGNATURE) != 0;
}

static bool look_in_folder(X509_STORE *store, const char *path)
{
	X509_LOOKUP *lookup = X509_STORE_add_lookup(store, X509_LOOKUP_hash_dir());

	return lookup != NULL && X509_LOOKUP_add_dir(lookup, path, X509_FILETYPE_PEM) == 1;
}

static bool look_in_file(X509_STORE *store, const char *path)
{
	X509_LOOKUP *lookup = X509_STORE_add_lookup(store, X509_LOOKUP_file());

	return lookup != NULL && X509_LOOKUP_load_file(lookup, path, X509_FILETYPE_PEM) == 1;
}

/* Set the CA certificates; those in a directory are read when a chain needs them. */
static bool open_store(struct signer *signer, const char *authorities)
{
	struct stat status;

	signer->store = X509_STORE_new();
	if (signer->store == NULL)
		return false;
	/* Also for the chain of an OCSP responder. */
	X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(signer->store), signer->now);
	X509_VERIFY_PARAM_set_depth(X509_STORE_get0_param(signer->store), SIGNER_CERTIFICATES_MAX);
	X509_VERIFY_PARAM_set_auth_level(X509_STORE_get0_param(signer->store), AUTH_LEVEL);
	if (authorities == NULL)
		return look_in_folder(signer->store, X509_get_default_cert_dir());
	if (stat(authorities, &status) == 0 && S_ISDIR(status.st_mode))
		return look_in_folder(signer->store, authorities);
	return look_in_file(signer->store, authorities);
}

/* Verify once, with the store's present contents. Returns OpenSSL's error, or X509_V_OK. */
static int verify(struct signer *signer)
{
	_cleanup_(cleanup_X509_STORE_CTX_free) X509_STORE_CTX *context = X509_STORE_CTX_new();
	X509 *leaf = sk_X509_value(signer->given, 0);

	if (context == NULL ||
	    X509_STORE_CTX_init(context, signer->store, leaf, signer->given) != 1)
		return X509_V_ERR_OUT_OF_MEM;
	/* As AWS verifies it: a CA certificate has to say so in the way of RFC 5280. */
	X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(context), X509_V_FLAG_X509_STRICT);
	if (X509_verify_cert(context) != 1)
		return X509_STORE_CTX_get_error(context);
	signer->chain = X509_STORE_CTX_get1_chain(context);
	return signer->chain == NULL ? X509_V_ERR_OUT_OF_MEM : X509_V_OK;
}

static bool lacks_root(int error)
{
	return error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT ||
	       error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
	       error == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE ||
	       error == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT ||
	       error == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN;
}

static enum grant_verdict verify_chain(struct signer *signer, const struct signer_policy *policy,
				       char *why)
{
	int error = verify(signer);

	/* Reading the whole bundle takes milliseconds, so only if the root has no file of its own,
	 * as on RHEL. */
	if (lacks_root(error) && policy->authorities == NULL &&
	    look_in_file(signer->store, X509_get_default_cert_file()))
		error = verify(signer);
	if (error == X509_V_OK && sk_X509_num(signer->chain) <= SIGNER_CERTIFICATES_MAX + 1)
		return GRANT_OK;
	return refuse(why, error == X509_V_ERR_OUT_OF_MEM ? GRANT_NO_MEMORY : GRANT_UNTRUSTED_CHAIN,
		      X509_verify_cert_error_string(error));
}

static enum grant_verdict check_leaf(struct signer *signer, const struct signer_policy *policy,
				     char *why)
{
	X509 *leaf = sk_X509_value(signer->given, 0);

	if (!has_name(leaf, policy->name)) {
		snprintf(why, SIGNER_WHY_SIZE, "the signer's common name is not %.150s",
			 policy->name);
		return GRANT_SIGNER_NOT_ALLOWED;
	}
	signer->key = X509_get_pubkey(leaf);
	if (!may_sign(leaf, signer->key))
		return refuse(why, GRANT_SIGNER_NOT_ALLOWED,
			      "the signer's key is not an RSA key that may sign");
	return GRANT_OK;
}

enum grant_verdict signer_open(const char *chain, size_t length, const struct signer_policy *policy,
			       struct signer **result, char why[SIGNER_WHY_SIZE])
{
	_cleanup_(cleanup_signer_free) signer_t *signer = calloc(1, sizeof *signer);
	enum grant_verdict verdict;

	*result = NULL;
	if (signer == NULL)
		return refuse(why, GRANT_NO_MEMORY, "no memory");
	signer->now = policy->now;
	if (!read_chain(signer, chain, length))
		return refuse(why, GRANT_UNTRUSTED_CHAIN, "it is not a list of PEM certificates");
	if (!open_store(signer, policy->authorities))
		return refuse(why, GRANT_UNTRUSTED_CHAIN, "cannot read the CA certificates");
	verdict = check_leaf(signer, policy, why);
	if (verdict == GRANT_OK)
		verdict = verify_chain(signer, policy, why);
	if (verdict != GRANT_OK)
		return verdict;
	*result = signer;
	signer = NULL;
	return GRANT_OK;
}

unsigned int signer_staples(const struct signer *signer)
{
	return (unsigned int)sk_X509_num(signer->chain) - 1;
}

static bool has_fingerprint(const X509 *certificate, const EVP_MD *hash, const char *name)
{
	char text[SIGNER_SHA256_NAME_SIZE] = "";
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int length = 0;

	if (X509_digest(certificate, hash, digest, &length) != 1 || 2 * length >= sizeof text)
		return false;
	for (unsigned int i = 0; i < length; i++)
		snprintf(text + 2 * (size_t)i, 3, "%02X", digest[i]);
	return strcasecmp(text, name) == 0;
}

bool signer_names_staple(const struct signer *signer, unsigned int i, const char *name)
{
	const X509 *certificate = sk_X509_value(signer->chain, (int)i);

	switch (strlen(name)) {
	case SIGNER_SHA1_NAME_SIZE - 1:
		return has_fingerprint(certificate, EVP_sha1(), name);
	case SIGNER_SHA256_NAME_SIZE - 1:
		return has_fingerprint(certificate, EVP_sha256(), name);
	default:
		return false;
	}
}

/* Put the certificate's name in front of its staple's error. */
static void name_certificate(const X509 *certificate, char *why)
{
	char subject[128] = "", what[SIGNER_WHY_SIZE];

	X509_NAME_oneline(X509_get_subject_name(certificate), subject, sizeof subject);
	snprintf(what, sizeof what, "%s", why);
	snprintf(why, SIGNER_WHY_SIZE, "the staple of %.100s %.100s", subject, what);
}

enum grant_verdict signer_take_staple(struct signer *signer, unsigned int i, const uint8_t *der,
				      size_t length, char why[SIGNER_WHY_SIZE])
{
	const struct staple_policy policy = { .certificate = sk_X509_value(signer->chain, (int)i),
					      .issuer = sk_X509_value(signer->chain, (int)i + 1),
					      .others = signer->chain,
					      .store = signer->store,
					      .now = signer->now };
	const char *what = "";
	enum grant_verdict verdict = staple_verify(der, length, &policy, &what);

	if (verdict != GRANT_OK) {
		snprintf(why, SIGNER_WHY_SIZE, "%s", what);
		name_certificate(policy.certificate, why);
	}
	signer->taken[i] |= verdict == GRANT_OK;
	return verdict;
}

enum grant_verdict signer_complete(const struct signer *signer, char why[SIGNER_WHY_SIZE])
{
	for (unsigned int i = 0; i < signer_staples(signer); i++) {
		if (signer->taken[i])
			continue;
		snprintf(why, SIGNER_WHY_SIZE, "is missing");
		name_certificate(sk_X509_value(signer->chain, (int)i), why);
		return GRANT_STAPLE_MISSING;
	}
	return GRANT_OK;
}

EVP_PKEY *signer_key(const struct signer *signer)
{
	char why[SIGNER_WHY_SIZE];

	return signer_complete(signer, why) == GRANT_OK ? signer->key : NULL;
}

void signer_free(struct signer *signer)
{
	if (signer == NULL)
		return;
	free_certificates(signer->given);
	free_certificates(signer->chain);
	X509_STORE_free(signer->store);
	EVP_PKEY_free(signer->key);
	free(signer);
}
