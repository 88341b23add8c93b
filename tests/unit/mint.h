/* SPDX-License-Identifier: Apache-2.0 */
/* Make keys, certificates, trust directories and signed texts, good and hostile, for the unit
 * tests. */
#ifndef EXC_TEST_MINT_H
#define EXC_TEST_MINT_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

enum signer {
	SIGN_EDDSA,
	SIGN_ES256,
	SIGN_PS256,
	SIGN_HS256_WITH_PUBLIC_KEY,
	SIGN_NOT_AT_ALL
};

/* A fresh private key: "ED25519", "P-256", "P-384", or "RSA" with `bits`. The caller frees. */
EVP_PKEY *mint_key(const char *kind, int bits);

/* A temporary directory, in TMPDIR, that only this user may write, as trust_open() wants it. The
 * caller calls mint_remove(), which frees it too. */
char *mint_directory(void);
void mint_remove(char *directory);

/* Write the public half, or a certificate, as DIRECTORY/NAME. */
void mint_write_public(const char *directory, const char *name, EVP_PKEY *key);
void mint_write_certificate(const char *directory, const char *name, X509 *certificate);
void mint_write_text(const char *directory, const char *name, const char *text);

/* What a certificate is for. */
struct certificate_request {
	const char *name; /* common name */
	EVP_PKEY *key; /* its own */
	X509 *issuer; /* NULL: self-signed */
	EVP_PKEY *issuer_key;
	bool authority;
	const char *key_usage; /* such as "critical,digitalSignature", or NULL */
	const char *alternative_name; /* such as "DNS:signer.example", or NULL */
	long starts, ends; /* seconds from now */
};

X509 *mint_certificate(const struct certificate_request *request);

/* Sign: the texts are encoded as they are, so that they may be anything. The caller frees. */
char *mint_jws(const char *header, const char *payload, size_t payload_length, EVP_PKEY *key,
	       enum signer signer);

/* {"alg":…,"typ":…,"x5c":[…]} for a NULL-ended list of certificates. The caller frees. */
char *mint_x5c_header(const char *alg, const char *typ, X509 **certificates);

#endif
