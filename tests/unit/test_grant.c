/* SPDX-License-Identifier: Apache-2.0 */
/* Hold grants, good and hostile, against what a grant must be. */
#include "unit.h"

#include "grant/grant.h"
#include "grant/jws.h"
#include "mint.h"
#include "no_ed25519.h"

#if OPENSSL_VERSION_NUMBER >= 0x30000000L
#include <openssl/provider.h>
#endif

#define NOW 1800000000
#define JTI "AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"
#define KEY "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
#define OTHER_KEY "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGRlZmdoaWprbG1ub3BxcnN0dXZ3eHl6e3x9fn+AgYKD"
#define LARGE (1024 * 1024)

struct world {
	char *directory;
	EVP_PKEY *ed25519, *p256, *p384, *rsa, *rsa_small, *stranger;
	char fingerprint[FINGERPRINT_SIZE];
};

static int make_world(void **state)
{
	struct world *world = calloc(1, sizeof *world);
	struct ssh_key key;

	world->directory = mint_directory();
	world->ed25519 = mint_key("ED25519", 0);
	world->p256 = mint_key("P-256", 0);
	world->p384 = mint_key("P-384", 0);
	world->rsa = mint_key("RSA", 2048);
	world->rsa_small = mint_key("RSA", 1024);
	world->stranger = mint_key("ED25519", 0);
	mint_write_public(world->directory, "ed25519.pem", world->ed25519);
	mint_write_public(world->directory, "p256.pem", world->p256);
	mint_write_public(world->directory, "p384.pem", world->p384);
	mint_write_public(world->directory, "rsa.pem", world->rsa);
	mint_write_public(world->directory, "small.pem", world->rsa_small);
	assert_int_equal(ssh_key_parse(KEY, &key), SSH_KEY_OK);
	digest_fingerprint(key.blob, key.blob_length, world->fingerprint);
	*state = world;
	return 0;
}

static int end_world(void **state)
{
	struct world *world = *state;

	EVP_PKEY_free(world->ed25519);
	EVP_PKEY_free(world->p256);
	EVP_PKEY_free(world->p384);
	EVP_PKEY_free(world->rsa);
	EVP_PKEY_free(world->rsa_small);
	EVP_PKEY_free(world->stranger);
	mint_remove(world->directory);
	free(world);
	return 0;
}

/* The members of a good header and of good claims, as JSON text. */
struct member {
	const char *name;
	const char *value;
};

static const struct member good_header[] = {
	{ "alg", "\"EdDSA\"" }, { "typ", "\"exc-grant+jwt\"" }, { "kid", "\"ed25519\"" }, { 0 }
};

static const struct member good_claims[] = {
	{ "iss", "\"exc-connectd\"" }, { "aud", "\"exc:compute:instance/42\"" },
	{ "sub", "\"ubuntu\"" },       { "iat", "1800000000" },
	{ "exp", "1800000060" },       { "jti", "\"" JTI "\"" },
	{ "ssh_key", "\"" KEY "\"" },  { "caller", "\"user:ana\"" },
	{ "request_id", "\"req-1\"" }, { 0 },
};

/* Print an object, with the value of `name` exchanged, added, or left out (NULL). */
static char *print_object(const struct member *members, const char *name, const char *value)
{
	char *text = malloc(2 * LARGE);
	size_t length = 1;
	int found = 0;

	text[0] = '{';
	for (; members->name != NULL; members++) {
		const char *shown = members->value;

		if (name != NULL && strcmp(members->name, name) == 0) {
			found = 1;
			shown = value;
		}
		if (shown != NULL)
			length += (size_t)sprintf(text + length, "%s\"%s\":%s",
						  length == 1 ? "" : ",", members->name, shown);
	}
	if (name != NULL && !found)
		length += (size_t)sprintf(text + length, ",\"%s\":%s", name, value);
	sprintf(text + length, "}");
	return text;
}

static enum grant_verdict verify(const struct world *world, const char *text, size_t length,
				 struct grant *grant)
{
	struct grant_policy policy = { .instance_id = "42",
				       .user = "ubuntu",
				       .fingerprint = world->fingerprint,
				       .now = NOW + 10,
				       .boot = NOW - 1000,
				       .lifetime_max = 60,
				       .clock_skew = 5 };
	enum grant_verdict verdict;

	assert_int_equal(trust_open(world->directory, &policy.trust), TRUST_OK);
	verdict = grant_verify(text, length, &policy, grant);
	trust_free(policy.trust);
	return verdict;
}

static void a_good_grant_is_read_into_checked_fields(void **state)
{
	const struct world *world = *state;
	char *header = print_object(good_header, NULL, NULL);
	char *claims = print_object(good_claims, NULL, NULL);
	char *text = mint_jws(header, claims, strlen(claims), world->ed25519, SIGN_EDDSA);
	struct grant grant;

	assert_verdict(verify(world, text, strlen(text), &grant), GRANT_OK);
	assert_string_equal(grant.user, "ubuntu");
	assert_string_equal(grant.jti, JTI);
	assert_string_equal(grant.caller, "user:ana");
	assert_string_equal(grant.request_id, "req-1");
	assert_string_equal(grant.issuer, "exc-connectd");
	assert_string_equal(grant.key.type, "ssh-ed25519");
	assert_string_equal(grant.fingerprint, world->fingerprint);
	assert_int_equal(grant.issued, NOW);
	assert_int_equal(grant.expires, NOW + 60);
	free(header);
	free(claims);
	free(text);
}

static void all_three_algorithms_verify_with_their_keys(void **state)
{
	const struct world *world = *state;
	const struct {
		const char *header;
		EVP_PKEY *key;
		enum signer signer;
	} cases[] = {
		{ "{\"alg\":\"EdDSA\",\"typ\":\"exc-grant+jwt\",\"kid\":\"ed25519\"}",
		  world->ed25519, SIGN_EDDSA },
		{ "{\"alg\":\"ES256\",\"typ\":\"exc-grant+jwt\",\"kid\":\"p256\"}", world->p256,
		  SIGN_ES256 },
		{ "{\"alg\":\"PS256\",\"typ\":\"exc-grant+jwt\",\"kid\":\"rsa\"}", world->rsa,
		  SIGN_PS256 },
	};
	char *claims = print_object(good_claims, NULL, NULL);

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char *text = mint_jws(cases[i].header, claims, strlen(claims), cases[i].key,
				      cases[i].signer);
		struct grant grant;

		assert_verdict(verify(world, text, strlen(text), &grant), GRANT_OK);
		free(text);
	}
	free(claims);
}

static void without_ed25519_only_its_grants_are_refused_and_say_why(void **state)
{
#if OPENSSL_VERSION_NUMBER >= 0x30000000L
	const struct world *world = *state;
	const struct {
		const char *header;
		EVP_PKEY *key;
		enum signer signer;
		enum grant_verdict verdict;
	} cases[] = {
		{ "{\"alg\":\"EdDSA\",\"typ\":\"exc-grant+jwt\",\"kid\":\"ed25519\"}",
		  world->ed25519, SIGN_EDDSA, GRANT_ALGORITHM_UNAVAILABLE },
		{ "{\"alg\":\"EdDSA\",\"typ\":\"exc-grant+jwt\",\"kid\":\"p256\"}", world->ed25519,
		  SIGN_EDDSA, GRANT_ALGORITHM_UNAVAILABLE },
		{ "{\"alg\":\"ES256\",\"typ\":\"exc-grant+jwt\",\"kid\":\"p256\"}", world->p256,
		  SIGN_ES256, GRANT_OK },
		{ "{\"alg\":\"ES256\",\"typ\":\"exc-grant+jwt\",\"kid\":\"ed25519\"}", world->p256,
		  SIGN_ES256, GRANT_UNKNOWN_KEY },
		{ "{\"alg\":\"PS256\",\"typ\":\"exc-grant+jwt\",\"kid\":\"rsa\"}", world->rsa,
		  SIGN_PS256, GRANT_OK },
	};
	char *claims = print_object(good_claims, NULL, NULL), *texts[5];
	OSSL_LIB_CTX *less = OSSL_LIB_CTX_new(), *usual;
	OSSL_PROVIDER *provider;
	struct grant grant;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		texts[i] = mint_jws(cases[i].header, claims, strlen(claims), cases[i].key,
				    cases[i].signer);
	assert_int_equal(OSSL_PROVIDER_add_builtin(less, "no-ed25519", OSSL_provider_init), 1);
	provider = OSSL_PROVIDER_load(less, "no-ed25519");
	assert_non_null(provider);
	usual = OSSL_LIB_CTX_set0_default(less);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_verdict(verify(world, texts[i], strlen(texts[i]), &grant), cases[i].verdict);
		free(texts[i]);
	}
	OSSL_LIB_CTX_set0_default(usual);
	OSSL_PROVIDER_unload(provider);
	OSSL_LIB_CTX_free(less);
	free(claims);
#else
	(void)state;
	skip(); /* It has no providers. */
#endif
}

static void a_kid_may_be_the_hash_of_the_public_key(void **state)
{
	const struct world *world = *state;
	char hex[DIGEST_HEX_SIZE], header[256];
	unsigned char *der = NULL;
	int der_length = i2d_PUBKEY(world->ed25519, &der);
	char *claims = print_object(good_claims, NULL, NULL);
	struct grant grant;
	char *text;

	assert_true(digest_hex(der, (size_t)der_length, hex));
	snprintf(header, sizeof header,
		 "{\"alg\":\"EdDSA\",\"typ\":\"exc-grant+jwt\",\"kid\":\"%s\"}", hex);
	text = mint_jws(header, claims, strlen(claims), world->ed25519, SIGN_EDDSA);
	assert_verdict(verify(world, text, strlen(text), &grant), GRANT_OK);
	OPENSSL_free(der);
	free(claims);
	free(text);
}

/* How a hostile text differs from a good one after signing. */
enum mutation {
	AS_IT_IS,
	BYTE_AFTER,
	BITS_AFTER,
	FOURTH_PART,
	PADDING,
	SPACE_INSIDE,
	LINE_FEED_AFTER,
	PLUS_FOR_MINUS,
	LOOSE_BITS,
	ONE_PART_MISSING,
	SIGNATURE_CHANGED,
	SIGNATURE_EMPTY,
	PAYLOAD_CHANGED,
	NUL_INSIDE,
};

static char *mutate(char *text, enum mutation mutation, size_t *length)
{
	char *out = malloc(strlen(text) + 16);
	char *last;

	strcpy(out, text);
	last = strrchr(out, '.');
	*length = strlen(out);
	switch (mutation) {
	case AS_IT_IS:
		break;
	case BYTE_AFTER:
		strcat(out, "A");
		break;
	case BITS_AFTER:
		strcat(out, "B");
		break;
	case FOURTH_PART:
		strcat(out, ".AAAA");
		break;
	case PADDING:
		strcat(out, "==");
		break;
	case SPACE_INSIDE:
		memmove(last + 1, last, strlen(last) + 1);
		*last = ' ';
		break;
	case LINE_FEED_AFTER:
		strcat(out, "\n");
		break;
	case PLUS_FOR_MINUS:
		last[1] = '+';
		break;
	case LOOSE_BITS: /* 64 bytes leave four bits of the last character, which must be zero */
		out[*length - 1] = out[*length - 1] == 'A' ? 'B' : out[*length - 1] + 1;
		break;
	case ONE_PART_MISSING:
		*last = '\0';
		break;
	case SIGNATURE_CHANGED:
		last[1] = last[1] == 'A' ? 'B' : 'A';
		break;
	case SIGNATURE_EMPTY:
		last[1] = '\0';
		break;
	case PAYLOAD_CHANGED: /* still base64url, still canonical */
		last[-4] = last[-4] == 'A' ? 'B' : 'A';
		break;
	case NUL_INSIDE:
		last[2] = '\0';
		free(text);
		return out; /* the length stays */
	}
	*length = strlen(out);
	free(text);
	return out;
}

struct hostile {
	const char *name;
	enum grant_verdict expected;
	/* One member of the header or of the claims is exchanged, or added. */
	const char *header_name, *header_value;
	const char *claim_name, *claim_value;
	const char *whole_claims; /* or all of the claims */
	enum signer signer;
	const char *key; /* "stranger", "p256", … */
	enum mutation mutation;
};

#define HEADER(n, v) .header_name = (n), .header_value = (v)
#define CLAIM(n, v) .claim_name = (n), .claim_value = (v)

static const struct hostile hostile_grants[] = {
	{ "alg none", GRANT_ALGORITHM_NOT_ALLOWED, HEADER("alg", "\"none\""),
	  .signer = SIGN_NOT_AT_ALL },
	{ "alg none with a signature", GRANT_ALGORITHM_NOT_ALLOWED, HEADER("alg", "\"none\"") },
	{ "alg NONE", GRANT_ALGORITHM_NOT_ALLOWED, HEADER("alg", "\"NONE\"") },
	{ "alg missing", GRANT_ALGORITHM_NOT_ALLOWED, HEADER("alg", NULL) },
	{ "alg a number", GRANT_ALGORITHM_NOT_ALLOWED, HEADER("alg", "1") },
	{ "alg a list", GRANT_ALGORITHM_NOT_ALLOWED, HEADER("alg", "[\"EdDSA\"]") },
	{ "alg in other letters", GRANT_ALGORITHM_NOT_ALLOWED, HEADER("alg", "\"eddsa\"") },
	{ "HS256 keyed with the public key", GRANT_ALGORITHM_NOT_ALLOWED,
	  HEADER("alg", "\"HS256\""), .signer = SIGN_HS256_WITH_PUBLIC_KEY },
	{ "RS256", GRANT_ALGORITHM_NOT_ALLOWED, HEADER("alg", "\"RS256\"") },
	{ "EdDSA named, HMAC made", GRANT_BAD_SIGNATURE, .signer = SIGN_HS256_WITH_PUBLIC_KEY },
	{ "ES256 with an Ed25519 key", GRANT_WRONG_ALGORITHM, HEADER("alg", "\"ES256\"") },
	{ "PS256 with an Ed25519 key", GRANT_WRONG_ALGORITHM, HEADER("alg", "\"PS256\"") },
	{ "EdDSA with a P-256 key", GRANT_WRONG_ALGORITHM, HEADER("kid", "\"p256\""),
	  .key = "p256" },
	{ "EdDSA with an RSA key", GRANT_WRONG_ALGORITHM, HEADER("kid", "\"rsa\""), .key = "rsa" },
	{ "typ JWT", GRANT_WRONG_TYPE, HEADER("typ", "\"JWT\"") },
	{ "typ of a signed time", GRANT_WRONG_TYPE, HEADER("typ", "\"exc-time+jwt\"") },
	{ "typ missing", GRANT_WRONG_TYPE, HEADER("typ", NULL) },
	{ "typ in capitals", GRANT_WRONG_TYPE, HEADER("typ", "\"EXC-GRANT+JWT\"") },
	{ "typ with a prefix", GRANT_WRONG_TYPE, HEADER("typ", "\"application/exc-grant+jwt\"") },
	{ "crit", GRANT_CRITICAL_HEADER, HEADER("crit", "[\"exp\"]") },
	{ "crit null", GRANT_CRITICAL_HEADER, HEADER("crit", "null") },
	{ "kid missing", GRANT_BAD_HEADER, HEADER("kid", NULL) },
	{ "kid a number", GRANT_BAD_HEADER, HEADER("kid", "7") },
	{ "kid and x5c", GRANT_BAD_HEADER, HEADER("x5c", "[]") },
	{ "kid unknown", GRANT_UNKNOWN_KEY, HEADER("kid", "\"nobody\"") },
	{ "kid empty", GRANT_UNKNOWN_KEY, HEADER("kid", "\"\"") },
	{ "kid a path", GRANT_UNKNOWN_KEY, HEADER("kid", "\"../trust.d/ed25519\"") },
	{ "kid with the suffix", GRANT_UNKNOWN_KEY, HEADER("kid", "\"ed25519.pem\"") },
	{ "duplicate header member", GRANT_DUPLICATE_MEMBER, HEADER("x\":1,\"x", "2") },
	{ "signed by a stranger", GRANT_BAD_SIGNATURE, .key = "stranger" },
	{ "signature changed", GRANT_BAD_SIGNATURE, .mutation = SIGNATURE_CHANGED },
	{ "signature empty", GRANT_BAD_SIGNATURE, .mutation = SIGNATURE_EMPTY },
	{ "payload changed", GRANT_BAD_SIGNATURE, .mutation = PAYLOAD_CHANGED },
	{ "trailing byte", GRANT_BAD_SIGNATURE, .mutation = BYTE_AFTER },
	{ "trailing bits", GRANT_BAD_ENCODING, .mutation = BITS_AFTER },
	{ "a fourth part", GRANT_BAD_ENCODING, .mutation = FOURTH_PART },
	{ "padding", GRANT_BAD_ENCODING, .mutation = PADDING },
	{ "a space", GRANT_BAD_ENCODING, .mutation = SPACE_INSIDE },
	{ "a line feed", GRANT_BAD_ENCODING, .mutation = LINE_FEED_AFTER },
	{ "the other alphabet", GRANT_BAD_ENCODING, .mutation = PLUS_FOR_MINUS },
	{ "bits after the last byte", GRANT_BAD_ENCODING, .mutation = LOOSE_BITS },
	{ "NUL in the encoding", GRANT_BAD_ENCODING, .mutation = NUL_INSIDE },
	{ "two parts", GRANT_BAD_ENCODING, .mutation = ONE_PART_MISSING },
	{ "claims a list", GRANT_BAD_JSON, .whole_claims = "[]" },
	{ "claims empty", GRANT_BAD_JSON, .whole_claims = "" },
	{ "claims not ended", GRANT_BAD_JSON,
	  .whole_claims = "{\"aud\":\"exc:compute:instance/42\"" },
	{ "claims and more", GRANT_BAD_JSON, .whole_claims = "{}{}" },
	{ "a comment in the claims", GRANT_BAD_JSON, .whole_claims = "{}/**/" },
	{ "duplicate claim", GRANT_DUPLICATE_MEMBER, CLAIM("x\":1,\"x", "2") },
	{ "sub twice", GRANT_DUPLICATE_MEMBER, CLAIM("x\":1,\"sub", "\"ubuntu\"") },
	{ "sub twice, once escaped", GRANT_DUPLICATE_MEMBER, CLAIM("\\u0073ub", "\"root\"") },
	{ "duplicate deep inside", GRANT_DUPLICATE_MEMBER,
	  CLAIM("restrict", "{\"pty\":false,\"pty\":true}") },
	{ "a number with a plus", GRANT_BAD_JSON, CLAIM("iat", "+1800000000") },
	{ "a number with a leading zero", GRANT_BAD_JSON, CLAIM("iat", "01800000000") },
	{ "NaN", GRANT_BAD_JSON, CLAIM("iat", "NaN") },
	{ "NUL inside sub", GRANT_BAD_JSON, CLAIM("sub", "\"ubuntu\\u0000root\"") },
	{ "NUL inside ssh_key", GRANT_BAD_JSON, CLAIM("ssh_key", "\"" KEY "\\u0000\"") },
	{ "NUL inside jti", GRANT_BAD_JSON, CLAIM("jti", "\"" JTI "\\u0000x\"") },
	{ "a control character", GRANT_BAD_JSON, CLAIM("caller", "\"a\tb\"") },
	{ "sub in overlong UTF-8", GRANT_BAD_JSON, CLAIM("sub", "\"ub\xc1\xb5ntu\"") },
	{ "sub in broken UTF-8", GRANT_BAD_JSON, CLAIM("sub", "\"ubuntu\xff\"") },
	{ "sub with a lone surrogate", GRANT_BAD_JSON, CLAIM("sub", "\"ubuntu\\ud800\"") },
	{ "sub with a surrogate in UTF-8", GRANT_BAD_JSON, CLAIM("sub", "\"ubuntu\xed\xa0\x80\"") },
	{ "sub with a look-alike", GRANT_WRONG_USER, CLAIM("sub", "\"ub\xd1\x83ntu\"") },
	{ "sub with a zero-width space", GRANT_WRONG_USER, CLAIM("sub", "\"ubuntu\\u200b\"") },
	{ "sub in full-width letters", GRANT_WRONG_USER,
	  CLAIM("sub", "\"\xef\xbd\x95"
		       "buntu\"") },
	{ "sub in capitals", GRANT_WRONG_USER, CLAIM("sub", "\"Ubuntu\"") },
	{ "sub another user", GRANT_WRONG_USER, CLAIM("sub", "\"root\"") },
	{ "sub a beginning", GRANT_WRONG_USER, CLAIM("sub", "\"ubunt\"") },
	{ "sub with a space", GRANT_WRONG_USER, CLAIM("sub", "\"ubuntu \"") },
	{ "sub empty", GRANT_WRONG_USER, CLAIM("sub", "\"\"") },
	{ "sub missing", GRANT_WRONG_USER, CLAIM("sub", NULL) },
	{ "sub a list", GRANT_WRONG_USER, CLAIM("sub", "[\"ubuntu\"]") },
	{ "sub null", GRANT_WRONG_USER, CLAIM("sub", "null") },
	{ "aud another instance", GRANT_WRONG_INSTANCE,
	  CLAIM("aud", "\"exc:compute:instance/43\"") },
	{ "aud a beginning", GRANT_WRONG_INSTANCE, CLAIM("aud", "\"exc:compute:instance/4\"") },
	{ "aud longer", GRANT_WRONG_INSTANCE, CLAIM("aud", "\"exc:compute:instance/421\"") },
	{ "aud without the prefix", GRANT_WRONG_INSTANCE, CLAIM("aud", "\"42\"") },
	{ "aud a list", GRANT_WRONG_INSTANCE, CLAIM("aud", "[\"exc:compute:instance/42\"]") },
	{ "aud missing", GRANT_WRONG_INSTANCE, CLAIM("aud", NULL) },
	{ "from the future", GRANT_ISSUED_IN_FUTURE, CLAIM("iat", "1800000016") },
	{ "nbf in the future", GRANT_NOT_YET_VALID, CLAIM("nbf", "1800000016") },
	{ "nbf a text", GRANT_BAD_CLAIM, CLAIM("nbf", "\"0\"") },
	{ "expired this second", GRANT_EXPIRED, CLAIM("exp", "1800000010") },
	{ "expired", GRANT_EXPIRED, CLAIM("exp", "1700000000") },
	{ "valid for 61 seconds", GRANT_LIFETIME_TOO_LONG, CLAIM("exp", "1800000061") },
	{ "valid for ever", GRANT_LIFETIME_TOO_LONG, CLAIM("exp", "9007199254740991") },
	{ "exp too large to be exact", GRANT_BAD_CLAIM, CLAIM("exp", "9007199254740993") },
	{ "exp larger than a double", GRANT_BAD_CLAIM, CLAIM("exp", "1e400") },
	{ "exp a fraction", GRANT_BAD_CLAIM, CLAIM("exp", "1800000050.5") },
	{ "exp negative", GRANT_BAD_CLAIM, CLAIM("exp", "-1") },
	{ "exp a text", GRANT_BAD_CLAIM, CLAIM("exp", "\"1800000060\"") },
	{ "exp missing", GRANT_BAD_CLAIM, CLAIM("exp", NULL) },
	{ "iat missing", GRANT_BAD_CLAIM, CLAIM("iat", NULL) },
	{ "issued before this boot", GRANT_LIFETIME_TOO_LONG, CLAIM("iat", "1799990000") },
	{ "jti missing", GRANT_BAD_CLAIM, CLAIM("jti", NULL) },
	{ "jti short", GRANT_BAD_CLAIM, CLAIM("jti", "\"AAECAwQFBgcICQoLDA0OD\"") },
	{ "jti a path", GRANT_BAD_CLAIM, CLAIM("jti", "\"../../../../etc/cron.d/xxxxx\"") },
	{ "jti long", GRANT_BAD_CLAIM, CLAIM("jti", "\"" JTI JTI JTI JTI "x\"") },
	{ "caller missing", GRANT_BAD_CLAIM, CLAIM("caller", NULL) },
	{ "caller empty", GRANT_BAD_CLAIM, CLAIM("caller", "\"\"") },
	{ "caller with a line feed", GRANT_BAD_CLAIM, CLAIM("caller", "\"ana\\nroot\"") },
	{ "request_id missing", GRANT_BAD_CLAIM, CLAIM("request_id", NULL) },
	{ "iss missing", GRANT_BAD_CLAIM, CLAIM("iss", NULL) },
	{ "ssh_key missing", GRANT_BAD_CLAIM, CLAIM("ssh_key", NULL) },
	{ "ssh_key another", GRANT_WRONG_FINGERPRINT, CLAIM("ssh_key", "\"" OTHER_KEY "\"") },
	{ "ssh_key with a comment", GRANT_BAD_SSH_KEY, CLAIM("ssh_key", "\"" KEY " ana@home\"") },
	{ "ssh_key with a space after", GRANT_BAD_SSH_KEY, CLAIM("ssh_key", "\"" KEY " \"") },
	{ "ssh_key with a line feed", GRANT_BAD_SSH_KEY, CLAIM("ssh_key", "\"" KEY "\\n\"") },
	{ "ssh_key with a second key", GRANT_BAD_SSH_KEY,
	  CLAIM("ssh_key", "\"" KEY "\\n" OTHER_KEY "\"") },
	{ "ssh_key with options", GRANT_BAD_SSH_KEY,
	  CLAIM("ssh_key", "\"command=\\\"/bin/sh\\\" " KEY "\"") },
	{ "ssh_key with cert-authority", GRANT_KEY_TYPE_NOT_ALLOWED,
	  CLAIM("ssh_key", "\"cert-authority " KEY "\"") },
	{ "ssh_key with a tab", GRANT_BAD_SSH_KEY,
	  CLAIM("ssh_key", "\"ssh-ed25519\\tAAAAC3NzaC1lZDI1NTE5AAAAIAABAgME\"") },
	{ "ssh_key a certificate", GRANT_KEY_TYPE_NOT_ALLOWED,
	  CLAIM("ssh_key", "\"ssh-ed25519-cert-v01@openssh.com AAAA\"") },
	{ "ssh_key DSA", GRANT_KEY_TYPE_NOT_ALLOWED, CLAIM("ssh_key", "\"ssh-dss AAAA\"") },
	{ "ssh_key of another type inside", GRANT_BAD_SSH_KEY,
	  CLAIM("ssh_key", "\"ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxg"
			   "ZGhscHR4f\"") },
	{ "restrict with an unknown member", GRANT_UNSUPPORTED_RESTRICTION,
	  CLAIM("restrict", "{\"user_rc\":false}") },
	{ "restrict a list", GRANT_UNSUPPORTED_RESTRICTION, CLAIM("restrict", "[]") },
	{ "restrict null", GRANT_UNSUPPORTED_RESTRICTION, CLAIM("restrict", "null") },
	{ "restrict.pty a text", GRANT_UNSUPPORTED_RESTRICTION,
	  CLAIM("restrict", "{\"pty\":\"false\"}") },
	{ "restrict.source empty", GRANT_UNSUPPORTED_RESTRICTION,
	  CLAIM("restrict", "{\"source\":[]}") },
	{ "restrict.source everything", GRANT_UNSUPPORTED_RESTRICTION,
	  CLAIM("restrict", "{\"source\":[\"*\"]}") },
	{ "restrict.command with a line feed", GRANT_UNSUPPORTED_RESTRICTION,
	  CLAIM("restrict", "{\"command\":\"true\\nssh-ed25519 AAAA\"}") },
};

static EVP_PKEY *key_named(const struct world *world, const char *name)
{
	if (name == NULL)
		return world->ed25519;
	if (strcmp(name, "p256") == 0)
		return world->p256;
	if (strcmp(name, "rsa") == 0)
		return world->rsa;
	return world->stranger;
}

static void every_hostile_grant_is_refused_for_its_own_reason(void **state)
{
	const struct world *world = *state;
	int wrong = 0;

	for (size_t i = 0; i < sizeof hostile_grants / sizeof hostile_grants[0]; i++) {
		const struct hostile *h = &hostile_grants[i];
		char *header = print_object(good_header, h->header_name, h->header_value);
		char *claims = h->whole_claims != NULL
				       ? strdup(h->whole_claims)
				       : print_object(good_claims, h->claim_name, h->claim_value);
		size_t length;
		char *text = mutate(mint_jws(header, claims, strlen(claims),
					     key_named(world, h->key), h->signer),
				    h->mutation, &length);
		struct grant grant;
		enum grant_verdict verdict = verify(world, text, length, &grant);

		if (verdict != h->expected) {
			print_error("%s: %s, expected %s\n", h->name, grant_verdict_name(verdict),
				    grant_verdict_name(h->expected));
			wrong++;
		}
		free(header);
		free(claims);
		free(text);
	}
	assert_int_equal(wrong, 0);
}

static void keys_of_other_sizes_sign_nothing(void **state)
{
	const struct world *world = *state;
	char *claims = print_object(good_claims, NULL, NULL);
	char *p384 = mint_jws("{\"alg\":\"ES256\",\"typ\":\"exc-grant+jwt\",\"kid\":\"p384\"}",
			      claims, strlen(claims), world->p384, SIGN_ES256);
	char *small = mint_jws("{\"alg\":\"PS256\",\"typ\":\"exc-grant+jwt\",\"kid\":\"small\"}",
			       claims, strlen(claims), world->rsa_small, SIGN_PS256);
	struct grant grant;

	assert_verdict(verify(world, p384, strlen(p384), &grant), GRANT_WRONG_ALGORITHM);
	assert_verdict(verify(world, small, strlen(small), &grant), GRANT_WRONG_ALGORITHM);
	free(claims);
	free(p384);
	free(small);
}

static void a_grant_from_before_this_boot_or_this_ledger_is_refused(void **state)
{
	const struct world *world = *state;
	struct grant_policy policy = { .instance_id = "42",
				       .user = "ubuntu",
				       .fingerprint = world->fingerprint,
				       .now = NOW + 10,
				       .boot = NOW + 1,
				       .lifetime_max = 60,
				       .clock_skew = 5 };
	char *header = print_object(good_header, NULL, NULL);
	char *claims = print_object(good_claims, NULL, NULL);
	char *text = mint_jws(header, claims, strlen(claims), world->ed25519, SIGN_EDDSA);
	struct grant grant;

	assert_int_equal(trust_open(world->directory, &policy.trust), TRUST_OK);
	assert_verdict(grant_verify(text, strlen(text), &policy, &grant), GRANT_ISSUED_BEFORE_BOOT);
	policy.boot = NOW;
	policy.ledger = NOW + 1;
	assert_verdict(grant_verify(text, strlen(text), &policy, &grant),
		       GRANT_ISSUED_BEFORE_LEDGER);
	assert_string_equal(grant_verdict_name(GRANT_ISSUED_BEFORE_LEDGER), "issued_before_ledger");
	/* Who asked for it is known, for the journal. */
	assert_string_not_equal(grant.caller, "");
	policy.ledger = NOW;
	assert_verdict(grant_verify(text, strlen(text), &policy, &grant), GRANT_OK);
	trust_free(policy.trust);
	free(header);
	free(claims);
	free(text);
}

static void a_megabyte_is_refused_without_looking_into_it(void **state)
{
	const struct world *world = *state;
	char *value = malloc(LARGE + 3);
	char *header = print_object(good_header, NULL, NULL);
	char *claims, *text;
	struct grant grant;

	memset(value, 'x', LARGE);
	value[0] = value[LARGE - 1] = '"';
	value[LARGE] = '\0';
	claims = print_object(good_claims, "caller", value);
	text = mint_jws(header, claims, strlen(claims), world->ed25519, SIGN_EDDSA);
	assert_true(strlen(text) > LARGE);
	assert_verdict(verify(world, text, strlen(text), &grant), GRANT_TOO_LARGE);
	free(value);
	free(header);
	free(claims);
	free(text);
}

static void a_refused_grant_still_says_who_asked_for_it(void **state)
{
	const struct world *world = *state;
	char *header = print_object(good_header, NULL, NULL);
	char *claims = print_object(good_claims, "sub", "\"root\"");
	char *text = mint_jws(header, claims, strlen(claims), world->ed25519, SIGN_EDDSA);
	char *forged = mint_jws(header, claims, strlen(claims), world->stranger, SIGN_EDDSA);
	struct grant grant;

	assert_verdict(verify(world, text, strlen(text), &grant), GRANT_WRONG_USER);
	assert_string_equal(grant.caller, "user:ana");
	assert_string_equal(grant.jti, JTI);
	assert_verdict(verify(world, forged, strlen(forged), &grant), GRANT_BAD_SIGNATURE);
	assert_string_equal(grant.caller, "");
	free(header);
	free(claims);
	free(text);
	free(forged);
}

static void every_verdict_has_a_name_of_its_own(void **state)
{
	static const char *const names[] = {
#define NAME(value, name) name,
		GRANT_VERDICTS(NAME)
#undef NAME
	};

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(names[i], names[j]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_grant_is_read_into_checked_fields),
		cmocka_unit_test(all_three_algorithms_verify_with_their_keys),
		cmocka_unit_test(without_ed25519_only_its_grants_are_refused_and_say_why),
		cmocka_unit_test(a_kid_may_be_the_hash_of_the_public_key),
		cmocka_unit_test(every_hostile_grant_is_refused_for_its_own_reason),
		cmocka_unit_test(keys_of_other_sizes_sign_nothing),
		cmocka_unit_test(a_grant_from_before_this_boot_or_this_ledger_is_refused),
		cmocka_unit_test(a_megabyte_is_refused_without_looking_into_it),
		cmocka_unit_test(a_refused_grant_still_says_who_asked_for_it),
		cmocka_unit_test(every_verdict_has_a_name_of_its_own),
	};

	return cmocka_run_group_tests(tests, make_world, end_world);
}
