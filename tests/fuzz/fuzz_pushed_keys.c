/* SPDX-License-Identifier: Apache-2.0 */
/* The list of keys that EC2's metadata service has for a user: which block holds, signed again
 * after every mutation.
 *
 * The input is the list; \x01 in it becomes the signature of its block. */
#include "fuzz.h"

#include <stdio.h>

#include <openssl/rsa.h>

#include "ec2/pushed_list.h"
#include "ec2/pushed_key.h"
#include "ec2/signer.h"
#include "ec2/staple_text.h"
#include "base/base64.h"
#include "base/cleanup.h"
#include "signers.h"

#define SIGNATURE '\x01'
#define INSTANCE "i-0123456789abcdef0"

static EVP_PKEY *key;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_id(EVP_PKEY_RSA, NULL);

	(void)argc;
	(void)argv;
	must(EVP_PKEY_keygen_init(context) == 1 &&
	     EVP_PKEY_CTX_set_rsa_keygen_bits(context, 2048) == 1 &&
	     EVP_PKEY_keygen(context, &key) == 1);
	EVP_PKEY_CTX_free(context);
	return 0;
}

static void sign(const char *text, size_t length, char *base64)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	EVP_PKEY_CTX *key_context = NULL;
	uint8_t made[PUSH_SIGNATURE_BYTES_MAX];
	size_t made_length = sizeof made;

	must(EVP_DigestSignInit(context, &key_context, EVP_sha256(), NULL, key) == 1 &&
	     EVP_PKEY_CTX_set_rsa_padding(key_context, RSA_PKCS1_PSS_PADDING) == 1 &&
	     EVP_PKEY_CTX_set_rsa_pss_saltlen(key_context, RSA_PSS_SALTLEN_DIGEST) == 1 &&
	     EVP_DigestSign(context, made, &made_length, (const unsigned char *)text, length) == 1);
	EVP_MD_CTX_free(context);
	base64_encode(made, made_length, base64);
}

/* Where the block begins that ends here: after an empty line, or at the beginning */
static size_t block_start(const char *text, size_t end)
{
	size_t start = end;

	while (start > 0 && (start < 2 || text[start - 1] != '\n' || text[start - 2] != '\n'))
		start--;
	while (start < end && text[start] == '\n')
		start++;
	return start;
}

/* The list with its signatures; the caller frees. */
static char *make_list(const uint8_t *bytes, size_t length, size_t *made_length)
{
	char *list = NULL, base64[BASE64_SIZE(PUSH_SIGNATURE_BYTES_MAX)];
	FILE *out = open_memstream(&list, made_length);

	for (size_t i = 0; i < length; i++) {
		size_t start;

		if (bytes[i] != SIGNATURE) {
			fputc(bytes[i], out);
			continue;
		}
		fflush(out);
		start = block_start(list, *made_length);
		sign(list + start, *made_length - start, base64);
		fputs(base64, out);
	}
	fclose(out);
	return list;
}

static void check_block(const struct block *block, const char *list, size_t length)
{
	const struct push_policy policy = { .key = key,
					    .instance_id = INSTANCE,
					    .user = SIGNERS_USER,
					    .now = SIGNERS_NOW,
					    .boot = SIGNERS_NOW - 50,
					    .lifetime_max = 60,
					    .clock_skew = 5 };
	enum grant_verdict verdict;
	struct grant grant;

	if (block->verdict != GRANT_OK)
		return;
	must(block->signed_text >= list && block->signed_length <= length);
	must(block->signature >= block->signed_text + block->signed_length &&
	     block->signature + block->signature_length <= list + length);
	verdict = push_verify(block, &policy, &grant);
	/* Nothing of it is believed that is not signed. */
	must((verdict != GRANT_BAD_ENCODING && verdict != GRANT_BAD_SIGNATURE) ||
	     (grant.jti[0] == '\0' && grant.caller[0] == '\0'));
	if (verdict != GRANT_OK)
		return;
	must(strcmp(block->instance, INSTANCE) == 0 && strcmp(grant.user, SIGNERS_USER) == 0);
	must(grant.expires > SIGNERS_NOW && grant.expires <= SIGNERS_NOW + 60 + 5);
	must(strlen(grant.fingerprint) == FINGERPRINT_SIZE - 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	size_t made_length = 0;
	_cleanup_free_ char *made = make_list(bytes, length, &made_length);
	/* Of just its size, and without a NUL, so that reading past it is seen */
	_cleanup_free_ char *list = malloc(made_length + (made_length == 0));
	uint8_t der[SIGNER_STAPLE_BYTES_MAX];
	struct blocks blocks = { .at = list, .left = made_length };
	struct block block;
	ssize_t decoded;

	must(list != NULL);
	memcpy(list, made, made_length);
	while (blocks_next(&blocks, &block)) {
		must(blocks.left <= made_length);
		check_block(&block, list, made_length);
	}
	must(blocks.count <= made_length);
	/* Staples come by the same way. */
	decoded = staple_decode(list, made_length, der);
	must(decoded < 0 || (size_t)decoded <= made_length);
	return 0;
}
