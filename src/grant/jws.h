/* SPDX-License-Identifier: Apache-2.0 */
/* Parse and verify a JWS in compact form (RFC 7515, RFC 7518, RFC 8037). */
#ifndef EXC_GRANT_JWS_H
#define EXC_GRANT_JWS_H

#include <stddef.h>
#include <time.h>

#include <cjson/cJSON.h>

#include "grant/trust.h"
#include "grant/verdict.h"

/* A grant with a chain of X5C_CHAIN_MAX usual certificates and an RSA key fits. */
#define JWS_BYTES_MAX (32 * 1024)

struct jws_policy {
	const char *typ; /* the one accepted `typ`, compared byte for byte */
	struct trust *trust; /* loaded here when first needed */
	const char *signer_name; /* DNS name that an x5c leaf must carry, or NULL */
	time_t now; /* seconds since 1970, for certificates */
};

/* Verify `length` bytes. The key decides which algorithm is acceptable: Ed25519 EdDSA, P-256 ES256,
 * RSA (2048 bits and more) PS256. On GRANT_OK the caller owns *claims (cJSON_Delete), an object
 * read by json_parse(). Otherwise *claims is NULL and the verdict is one of GRANT_TOO_LARGE to
 * GRANT_BAD_SIGNATURE, or GRANT_NO_MEMORY. */
enum grant_verdict jws_verify(const char *text, size_t length, const struct jws_policy *policy,
			      cJSON **claims);

#endif
