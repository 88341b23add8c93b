/* SPDX-License-Identifier: Apache-2.0 */
/* A key that was pushed to an instance: is it signed, and is it valid here and now? */
#include "ec2/pushed_key.h"

#include <stdio.h>
#include <string.h>

#include <openssl/rsa.h>

#include "ec2/lines.h"
#include "base/base64.h"
#include "base/cleanup.h"
#include "base/digest.h"

#define SALT_BYTES 32

DEFINE_CLEANUP(EVP_MD_CTX, EVP_MD_CTX_free);

/* Decode the lines of base64. Returns the number of bytes, or -1. */
static ssize_t decode_signature(const struct block *block,
				uint8_t signature[PUSH_SIGNATURE_BYTES_MAX])
{
	char text[BASE64_SIZE(PUSH_SIGNATURE_BYTES_MAX)];
	ssize_t length = lines_join(block->signature, block->signature_length, text, sizeof text);

	return length < 0
		       ? -1
		       : base64_decode(text, (size_t)length, signature, PUSH_SIGNATURE_BYTES_MAX);
}

static bool is_signed(const struct block *block, EVP_PKEY *key, const uint8_t *signature,
		      size_t length)
{
	_cleanup_(cleanup_EVP_MD_CTX_free) EVP_MD_CTX *context = EVP_MD_CTX_new();
	EVP_PKEY_CTX *key_context = NULL;

	return context != NULL &&
	       EVP_DigestVerifyInit(context, &key_context, EVP_sha256(), NULL, key) == 1 &&
	       EVP_PKEY_CTX_set_rsa_padding(key_context, RSA_PKCS1_PSS_PADDING) == 1 &&
	       EVP_PKEY_CTX_set_rsa_pss_saltlen(key_context, SALT_BYTES) == 1 &&
	       EVP_PKEY_CTX_set_rsa_mgf1_md(key_context, EVP_sha256()) == 1 &&
	       EVP_DigestVerify(context, signature, length,
				(const unsigned char *)block->signed_text,
				block->signed_length) == 1;
}

static enum grant_verdict check_times(const struct block *block, const struct push_policy *policy,
				      struct grant *grant)
{
	const int64_t now = policy->now;
	const int64_t issued = block->expires - (int64_t)policy->lifetime_max;

	if (now >= block->expires)
		return GRANT_EXPIRED;
	if (issued > now + (int64_t)policy->clock_skew)
		return GRANT_LIFETIME_TOO_LONG;
	if (issued < policy->boot)
		return GRANT_ISSUED_BEFORE_BOOT;
	if (issued < policy->ledger)
		return GRANT_ISSUED_BEFORE_LEDGER;
	grant->issued = (time_t)issued;
	grant->expires = (time_t)block->expires;
	return GRANT_OK;
}

enum grant_verdict push_verify(const struct block *block, const struct push_policy *policy,
			       struct grant *grant)
{
	uint8_t signature[PUSH_SIGNATURE_BYTES_MAX];
	ssize_t length = decode_signature(block, signature);

	memset(grant, 0, sizeof *grant);
	if (length < 0)
		return GRANT_BAD_ENCODING;
	if (!is_signed(block, policy->key, signature, (size_t)length))
		return GRANT_BAD_SIGNATURE;
	if (!digest_hex(block->signed_text, block->signed_length, grant->jti))
		return GRANT_NO_MEMORY;
	snprintf(grant->caller, sizeof grant->caller, "%s", block->caller);
	snprintf(grant->request_id, sizeof grant->request_id, "%s", block->request_id);
	snprintf(grant->user, sizeof grant->user, "%s", policy->user);
	snprintf(grant->fingerprint, sizeof grant->fingerprint, "%s", block->fingerprint);
	grant->key = block->key;
	if (strcmp(block->instance, policy->instance_id) != 0)
		return GRANT_WRONG_INSTANCE;
	return check_times(block, policy, grant);
}
