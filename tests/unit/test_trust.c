/* SPDX-License-Identifier: Apache-2.0 */
/* Trust directories and certificate chains: who may sign grants, and who may not. */
#include "unit.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "grant/jws.h"
#include "grant/signed_time.h"
#include "grant/x5c.h"
#include "mint.h"

#define DAY 86400L
#define TYP "exc-grant+jwt"

struct chain {
	char *directory;
	EVP_PKEY *root_key, *middle_key, *leaf_key, *other_key;
	X509 *root, *middle, *leaf, *other_root;
};

static int make_chain(void **state)
{
	struct chain *c = calloc(1, sizeof *c);

	c->directory = mint_directory();
	c->root_key = mint_key("P-256", 0);
	c->middle_key = mint_key("P-256", 0);
	c->leaf_key = mint_key("ED25519", 0);
	c->other_key = mint_key("P-256", 0);
	c->root = mint_certificate(&(struct certificate_request){ .name = "root",
								  .key = c->root_key,
								  .authority = true,
								  .key_usage = "keyCertSign",
								  .starts = -DAY,
								  .ends = DAY });
	c->middle = mint_certificate(&(struct certificate_request){ .name = "middle",
								    .key = c->middle_key,
								    .issuer = c->root,
								    .issuer_key = c->root_key,
								    .authority = true,
								    .key_usage = "keyCertSign",
								    .starts = -DAY,
								    .ends = DAY });
	c->leaf = mint_certificate(
		&(struct certificate_request){ .name = "leaf",
					       .key = c->leaf_key,
					       .issuer = c->middle,
					       .issuer_key = c->middle_key,
					       .key_usage = "critical,digitalSignature",
					       .alternative_name = "DNS:signer.example",
					       .starts = -DAY,
					       .ends = DAY });
	c->other_root = mint_certificate(&(struct certificate_request){ .name = "root",
									.key = c->other_key,
									.authority = true,
									.key_usage = "keyCertSign",
									.starts = -DAY,
									.ends = DAY });
	mint_write_certificate(c->directory, "root.pem", c->root);
	*state = c;
	return 0;
}

static int end_chain(void **state)
{
	struct chain *c = *state;

	X509_free(c->root);
	X509_free(c->middle);
	X509_free(c->leaf);
	X509_free(c->other_root);
	EVP_PKEY_free(c->root_key);
	EVP_PKEY_free(c->middle_key);
	EVP_PKEY_free(c->leaf_key);
	EVP_PKEY_free(c->other_key);
	mint_remove(c->directory);
	free(c);
	return 0;
}

static enum grant_verdict verify_at(const struct chain *c, X509 **certificates, EVP_PKEY *key,
				    const char *signer_name, time_t now)
{
	struct jws_policy policy = { .typ = TYP, .signer_name = signer_name, .now = now };
	char *header = mint_x5c_header("EdDSA", TYP, certificates);
	char *text = mint_jws(header, "{\"a\":1}", 7, key, SIGN_EDDSA);
	cJSON *claims = NULL;
	enum grant_verdict verdict;

	assert_int_equal(trust_open(c->directory, &policy.trust), TRUST_OK);
	verdict = jws_verify(text, strlen(text), &policy, &claims);
	assert_true((verdict == GRANT_OK) == (claims != NULL));
	cJSON_Delete(claims);
	trust_free(policy.trust);
	free(header);
	free(text);
	return verdict;
}

static enum grant_verdict verify(const struct chain *c, X509 **certificates, EVP_PKEY *key,
				 const char *signer_name)
{
	return verify_at(c, certificates, key, signer_name, time(NULL));
}

/* A leaf like the good one, but for what the caller changes. */
static X509 *leaf_with(const struct chain *c, const char *key_usage, const char *alternative_name)
{
	return mint_certificate(&(struct certificate_request){ .name = "signer.example",
							       .key = c->leaf_key,
							       .issuer = c->middle,
							       .issuer_key = c->middle_key,
							       .key_usage = key_usage,
							       .alternative_name = alternative_name,
							       .starts = -DAY,
							       .ends = DAY });
}

static void a_chain_to_a_trusted_authority_verifies(void **state)
{
	struct chain *c = *state;

	assert_verdict(verify(c, (X509 *[]){ c->leaf, c->middle, NULL }, c->leaf_key, NULL),
		       GRANT_OK);
	assert_verdict(
		verify(c, (X509 *[]){ c->leaf, c->middle, NULL }, c->leaf_key, "signer.example"),
		GRANT_OK);
}

static void a_chain_that_does_not_end_in_the_trust_directory_is_refused(void **state)
{
	struct chain *c = *state;
	X509 *foreign =
		mint_certificate(&(struct certificate_request){ .name = "leaf",
								.key = c->leaf_key,
								.issuer = c->other_root,
								.issuer_key = c->other_key,
								.key_usage = "digitalSignature",
								.starts = -DAY,
								.ends = DAY });
	X509 *self_signed =
		mint_certificate(&(struct certificate_request){ .name = "root",
								.key = c->leaf_key,
								.key_usage = "digitalSignature",
								.starts = -DAY,
								.ends = DAY });

	assert_verdict(verify(c, (X509 *[]){ foreign, c->other_root, NULL }, c->leaf_key, NULL),
		       GRANT_UNTRUSTED_CHAIN);
	assert_verdict(verify(c, (X509 *[]){ self_signed, NULL }, c->leaf_key, NULL),
		       GRANT_UNTRUSTED_CHAIN);
	assert_verdict(verify(c, (X509 *[]){ c->leaf, NULL }, c->leaf_key, NULL),
		       GRANT_UNTRUSTED_CHAIN);
	X509_free(foreign);
	X509_free(self_signed);
}

static void a_leaf_cannot_sign_another_leaf(void **state)
{
	struct chain *c = *state;
	EVP_PKEY *key = mint_key("ED25519", 0);
	X509 *below =
		mint_certificate(&(struct certificate_request){ .name = "below",
								.key = key,
								.issuer = c->leaf,
								.issuer_key = c->leaf_key,
								.key_usage = "digitalSignature",
								.starts = -DAY,
								.ends = DAY });

	assert_verdict(verify(c, (X509 *[]){ below, c->leaf, c->middle, NULL }, key, NULL),
		       GRANT_UNTRUSTED_CHAIN);
	X509_free(below);
	EVP_PKEY_free(key);
}

static void a_chain_holds_only_in_its_time(void **state)
{
	struct chain *c = *state;
	X509 *good[] = { c->leaf, c->middle, NULL };

	assert_verdict(verify_at(c, good, c->leaf_key, NULL, time(NULL) + 2 * DAY),
		       GRANT_UNTRUSTED_CHAIN);
	assert_verdict(verify_at(c, good, c->leaf_key, NULL, time(NULL) - 2 * DAY),
		       GRANT_UNTRUSTED_CHAIN);
}

static void a_leaf_must_be_for_signing_and_carry_the_signers_name(void **state)
{
	struct chain *c = *state;
	X509 *no_usage = leaf_with(c, NULL, "DNS:signer.example");
	X509 *wrong_usage = leaf_with(c, "keyEncipherment", "DNS:signer.example");
	X509 *wrong_name = leaf_with(c, "digitalSignature", "DNS:other.example");
	X509 *wildcard = leaf_with(c, "digitalSignature", "DNS:*.example");
	X509 *only_common_name = leaf_with(c, "digitalSignature", NULL);
	X509 *leaves[] = { wrong_name, wildcard, only_common_name };

	assert_verdict(verify(c, (X509 *[]){ no_usage, c->middle, NULL }, c->leaf_key, NULL),
		       GRANT_SIGNER_NOT_ALLOWED);
	assert_verdict(verify(c, (X509 *[]){ wrong_usage, c->middle, NULL }, c->leaf_key, NULL),
		       GRANT_SIGNER_NOT_ALLOWED);
	for (size_t i = 0; i < sizeof leaves / sizeof leaves[0]; i++) {
		assert_verdict(verify(c, (X509 *[]){ leaves[i], c->middle, NULL }, c->leaf_key,
				      "signer.example"),
			       GRANT_SIGNER_NOT_ALLOWED);
		X509_free(leaves[i]);
	}
	X509_free(no_usage);
	X509_free(wrong_usage);
}

static void a_chain_has_a_bound_and_every_element_must_be_a_certificate(void **state)
{
	struct chain *c = *state;
	X509 *five[] = { c->leaf, c->middle, c->middle, c->middle, c->middle, NULL };
	const char *const bad[] = {
		"{\"alg\":\"EdDSA\",\"typ\":\"" TYP "\",\"x5c\":[]}",
		"{\"alg\":\"EdDSA\",\"typ\":\"" TYP "\",\"x5c\":\"AAAA\"}",
		"{\"alg\":\"EdDSA\",\"typ\":\"" TYP "\",\"x5c\":[\"AAAA\"]}",
		"{\"alg\":\"EdDSA\",\"typ\":\"" TYP "\",\"x5c\":[7]}",
	};
	struct jws_policy policy = { .typ = TYP, .now = time(NULL) };

	assert_verdict(verify(c, five, c->leaf_key, NULL), GRANT_BAD_HEADER);
	assert_int_equal(trust_open(c->directory, &policy.trust), TRUST_OK);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		char *text = mint_jws(bad[i], "{}", 2, c->leaf_key, SIGN_EDDSA);
		cJSON *claims;

		assert_verdict(jws_verify(text, strlen(text), &policy, &claims), GRANT_BAD_HEADER);
		free(text);
	}
	trust_free(policy.trust);
}

static void a_directory_without_anchors_is_empty(void **state)
{
	char *directory = mint_directory();
	struct trust *trust;
	const char *first;

	(void)state;
	assert_int_equal(trust_open("/nonexistent/trust.d", &trust), TRUST_EMPTY);
	assert_int_equal(trust_open(directory, &trust), TRUST_EMPTY);
	mint_write_text(directory, "README", "not a key");
	mint_write_text(directory, ".hidden.pem", "not a key");
	assert_int_equal(trust_open(directory, &trust), TRUST_EMPTY);
	mint_write_text(directory, "broken.pem", "not a key");
	assert_int_equal(trust_open(directory, &trust), TRUST_OK);
	assert_int_equal(trust_load(trust), TRUST_EMPTY);
	assert_int_equal(trust_skipped(trust, &first), 1);
	assert_string_equal(first, "broken");
	trust_free(trust);
	mint_remove(directory);
}

static void what_others_may_write_is_not_trusted(void **state)
{
	char *directory = mint_directory();
	EVP_PKEY *key = mint_key("ED25519", 0);
	char path[4096];
	struct trust *trust;

	(void)state;
	mint_write_public(directory, "a.pem", key);
	snprintf(path, sizeof path, "%s/a.pem", directory);
	assert_int_equal(chmod(path, 0666), 0);
	assert_int_equal(trust_open(directory, &trust), TRUST_OK);
	assert_int_equal(trust_load(trust), TRUST_EMPTY);
	assert_null(trust_key(trust, "a"));
	trust_free(trust);
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(chmod(directory, 0775), 0);
	assert_int_equal(trust_open(directory, &trust), TRUST_UNSAFE);
	EVP_PKEY_free(key);
	mint_remove(directory);
}

static void a_private_key_or_a_leaf_in_the_directory_vouches_for_nothing(void **state)
{
	struct chain *c = *state;
	char *directory = mint_directory();
	struct trust *trust;

	mint_write_certificate(directory, "leaf.pem", c->leaf);
	assert_int_equal(trust_open(directory, &trust), TRUST_OK);
	assert_int_equal(trust_load(trust), TRUST_EMPTY);
	trust_free(trust);
	mint_remove(directory);
}

static void a_signed_time_counts_only_for_the_request_that_asked(void **state)
{
	struct chain *c = *state;
	char *directory = mint_directory();
	EVP_PKEY *key = mint_key("ED25519", 0);
	struct signed_time_policy policy = { .instance_id = "42", .nonce = "abc", .now = 0 };
	const struct {
		const char *typ, *claims;
		enum grant_verdict expected;
	} cases[] = {
		{ "exc-time+jwt",
		  "{\"aud\":\"exc:compute:instance/42\",\"nonce\":\"abc\",\"iat\":77}", GRANT_OK },
		{ "exc-time+jwt",
		  "{\"aud\":\"exc:compute:instance/42\",\"nonce\":\"abd\",\"iat\":77}",
		  GRANT_WRONG_NONCE },
		{ "exc-time+jwt", "{\"aud\":\"exc:compute:instance/42\",\"iat\":77}",
		  GRANT_WRONG_NONCE },
		{ "exc-time+jwt",
		  "{\"aud\":\"exc:compute:instance/43\",\"nonce\":\"abc\",\"iat\":77}",
		  GRANT_WRONG_INSTANCE },
		{ "exc-time+jwt", "{\"aud\":\"exc:compute:instance/42\",\"nonce\":\"abc\"}",
		  GRANT_BAD_CLAIM },
		{ "exc-grant+jwt",
		  "{\"aud\":\"exc:compute:instance/42\",\"nonce\":\"abc\",\"iat\":77}",
		  GRANT_WRONG_TYPE },
	};

	(void)c;
	mint_write_public(directory, "k.pem", key);
	assert_int_equal(trust_open(directory, &policy.trust), TRUST_OK);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char header[128];
		time_t time = 0;
		char *text;

		snprintf(header, sizeof header, "{\"alg\":\"EdDSA\",\"typ\":\"%s\",\"kid\":\"k\"}",
			 cases[i].typ);
		text = mint_jws(header, cases[i].claims, strlen(cases[i].claims), key, SIGN_EDDSA);
		assert_verdict(signed_time_verify(text, strlen(text), &policy, &time),
			       cases[i].expected);
		assert_int_equal(time, cases[i].expected == GRANT_OK ? 77 : 0);
		free(text);
	}
	trust_free(policy.trust);
	EVP_PKEY_free(key);
	mint_remove(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_chain_to_a_trusted_authority_verifies),
		cmocka_unit_test(a_chain_that_does_not_end_in_the_trust_directory_is_refused),
		cmocka_unit_test(a_leaf_cannot_sign_another_leaf),
		cmocka_unit_test(a_chain_holds_only_in_its_time),
		cmocka_unit_test(a_leaf_must_be_for_signing_and_carry_the_signers_name),
		cmocka_unit_test(a_chain_has_a_bound_and_every_element_must_be_a_certificate),
		cmocka_unit_test(a_directory_without_anchors_is_empty),
		cmocka_unit_test(what_others_may_write_is_not_trusted),
		cmocka_unit_test(a_private_key_or_a_leaf_in_the_directory_vouches_for_nothing),
		cmocka_unit_test(a_signed_time_counts_only_for_the_request_that_asked),
	};

	return cmocka_run_group_tests(tests, make_chain, end_chain);
}
