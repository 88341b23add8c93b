/* SPDX-License-Identifier: Apache-2.0 */
/* A key that was pushed to an instance: is it signed, and is it valid here and now? */
#ifndef EXC_EC2_PUSHED_KEY_H
#define EXC_EC2_PUSHED_KEY_H

#include <time.h>

#include <openssl/evp.h>

#include "ec2/pushed_list.h"
#include "grant/grant.h"
#include "grant/verdict.h"

/* Bytes of a signature by an RSA key of 8192 bits */
#define PUSH_SIGNATURE_BYTES_MAX 1024

/* What must be true here and now. Strings are borrowed. */
struct push_policy {
	EVP_PKEY *key; /* the signer's */
	const char *instance_id; /* "i-0123456789abcdef0" */
	const char *user; /* the Linux user whose list it is in; copied to the grant */
	time_t now; /* seconds since 1970 */
	time_t boot; /* the earliest time of pushing; 0: any */
	time_t ledger; /* when the ledger was made, likewise */
	unsigned int lifetime_max; /* seconds */
	unsigned int clock_skew; /* seconds */
};

/* Make a grant from a block that blocks_next() could read. The signature is RSA-PSS with SHA-256
 * and a salt of 32 bytes over the signed text. A block states only when it ends: it counts as
 * pushed lifetime_max before that. In this order: GRANT_BAD_ENCODING (the signature is not base64),
 * GRANT_BAD_SIGNATURE, GRANT_WRONG_INSTANCE, GRANT_EXPIRED, GRANT_LIFETIME_TOO_LONG,
 * GRANT_ISSUED_BEFORE_BOOT, GRANT_ISSUED_BEFORE_LEDGER, GRANT_NO_MEMORY, or GRANT_OK. From
 * GRANT_WRONG_INSTANCE on, `grant` has jti (the SHA-256 of the signed text), caller and request_id;
 * before that, empty strings. */
enum grant_verdict push_verify(const struct block *block, const struct push_policy *policy,
			       struct grant *grant);

#endif
