/* SPDX-License-Identifier: Apache-2.0 */
/* The algorithms that may sign grants (RFC 7518, RFC 8037), and whether this OpenSSL has them. */
#ifndef EXC_GRANT_ALGORITHM_H
#define EXC_GRANT_ALGORITHM_H

#include <stdbool.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#define ALGORITHM_RSA_BITS_MIN 2048
#define ALGORITHM_RSA_BITS_MAX 8192

enum algorithm {
	ALGORITHM_NONE,
	EDDSA,
	ES256,
	PS256
};

/* What a header's `alg` names; ALGORITHM_NONE for all others. */
enum algorithm algorithm_named(const char *name);

/* The only algorithm that this key may be used with. */
enum algorithm algorithm_of(EVP_PKEY *key);

/* The same by the kind of a key, which OpenSSL need not be able to read. Its size and its curve
 * are not looked at. */
enum algorithm algorithm_of_public(X509_PUBKEY *key);

/* Can this OpenSSL verify it? In FIPS mode, some have no Ed25519. */
bool algorithm_is_available(enum algorithm algorithm);

/* What to tell the administrator when a grant's algorithm is not available: a constant. */
const char *algorithm_advice(void);

#endif
