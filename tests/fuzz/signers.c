/* SPDX-License-Identifier: Apache-2.0 */
/* Keys, good and bad, that sign what a fuzz target has made up: so that its checks are reached. */
#include "signers.h"

#include <stdio.h>

#include "../unit/mint.h"
#include "fuzz.h"
#include "base/base64.h"
#include "base/cleanup.h"

#define YEARS (365L * 86400)
/* Long before and after SIGNERS_NOW, whatever the clock says */
#define STARTS (-20 * YEARS)
#define ENDS (20 * YEARS)
#define CHAIN_MAX 2
#define SIGNING "critical,digitalSignature"

static struct signer_key {
	EVP_PKEY *key;
	X509 *chain[CHAIN_MAX + 1]; /* leaf first, ends with NULL */
	char *x5c; /* the chain as it stands in a header */
} signers[SIGNERS];
static char *directory;

/* The array's elements, as mint_x5c_header() has them */
static char *print_chain(X509 **chain)
{
	char *header = mint_x5c_header("", "", chain), *start = strchr(header, '['), *text;

	must(start != NULL);
	text = strndup(start + 1, strlen(start + 1) - 2);
	free(header);
	return text;
}

static void make_leaf(enum signer_number number, const struct certificate_request *like,
		      X509 *intermediate)
{
	struct certificate_request request = *like;

	request.name = "leaf";
	request.key = signers[number].key =
		mint_key(number == SIGNER_LEAF ? "P-256" : "ED25519", 0);
	signers[number].chain[0] = mint_certificate(&request);
	signers[number].chain[1] = intermediate;
	signers[number].x5c = print_chain(signers[number].chain);
}

static X509 *make_authority(const char *name, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key)
{
	return mint_certificate(
		&(const struct certificate_request){ .name = name,
						     .key = key,
						     .issuer = issuer,
						     .issuer_key = issuer_key,
						     .authority = true,
						     .key_usage = "critical,keyCertSign",
						     .starts = STARTS,
						     .ends = ENDS });
}

static void make_chains(void)
{
	EVP_PKEY *root_key = mint_key("P-256", 0), *between_key = mint_key("ED25519", 0);
	X509 *root = make_authority("root", root_key, NULL, NULL);
	X509 *between = make_authority("between", between_key, root, root_key);
	X509 *other = make_authority("root", between_key, NULL, NULL);
	struct certificate_request leaf = { .issuer = root,
					    .issuer_key = root_key,
					    .key_usage = SIGNING,
					    .alternative_name = "DNS:" SIGNERS_NAME,
					    .starts = STARTS,
					    .ends = ENDS };
	struct certificate_request bad = leaf;

	make_leaf(SIGNER_LEAF, &leaf, NULL);
	bad.key_usage = "critical,keyAgreement";
	make_leaf(SIGNER_OTHER_USE, &bad, NULL);
	bad.key_usage = NULL;
	make_leaf(SIGNER_ANY_USE, &bad, NULL);
	bad = leaf;
	bad.ends = STARTS + YEARS;
	make_leaf(SIGNER_EXPIRED, &bad, NULL);
	bad = leaf;
	bad.alternative_name = "DNS:other.example";
	make_leaf(SIGNER_NAMELESS, &bad, NULL);
	leaf.issuer = between;
	leaf.issuer_key = between_key;
	make_leaf(SIGNER_CHAIN, &leaf, between);
	leaf.issuer = other;
	make_leaf(SIGNER_OTHER_AUTHORITY, &leaf, NULL);
	mint_write_certificate(directory, "root.pem", root);
	X509_free(root);
	X509_free(other);
	EVP_PKEY_free(root_key);
	EVP_PKEY_free(between_key);
}

void signers_make_one(void)
{
	directory = mint_directory();
	signers[SIGNER_ED25519].key = mint_key("ED25519", 0);
	mint_write_public(directory, "ed25519.pem", signers[SIGNER_ED25519].key);
}

/* A key in the trust directory of a type that signs no grant; nobody here signs with it. */
static void write_foreign_key(void)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_id(EVP_PKEY_ED448, NULL);
	EVP_PKEY *key = NULL;

	must(EVP_PKEY_keygen_init(context) == 1 && EVP_PKEY_keygen(context, &key) == 1);
	mint_write_public(directory, "ed448.pem", key);
	EVP_PKEY_free(key);
	EVP_PKEY_CTX_free(context);
}

void signers_make(void)
{
	signers_make_one();
	signers[SIGNER_P256].key = mint_key("P-256", 0);
	signers[SIGNER_RSA].key = mint_key("RSA", 2048);
	signers[SIGNER_P384].key = mint_key("P-384", 0);
	signers[SIGNER_SMALL].key = mint_key("RSA", 1024);
	signers[SIGNER_STRANGER].key = mint_key("ED25519", 0);
	signers[SIGNER_HMAC].key = signers[SIGNER_RSA].key;
	signers[SIGNER_NONE].key = signers[SIGNER_RSA].key;
	mint_write_public(directory, "p256.pem", signers[SIGNER_P256].key);
	mint_write_public(directory, "rsa.pem", signers[SIGNER_RSA].key);
	mint_write_public(directory, "p384.pem", signers[SIGNER_P384].key);
	mint_write_public(directory, "small.pem", signers[SIGNER_SMALL].key);
	write_foreign_key();
	make_chains();
}

const char *signers_directory(void)
{
	return directory;
}

/* The header with the chain in it; the caller frees. */
static char *fill_in(const char *header, const char *x5c)
{
	const char *at = x5c == NULL ? NULL : strchr(header, '@');
	char *text = NULL;

	if (at == NULL)
		return strdup(header);
	must(asprintf(&text, "%.*s%s%s", (int)(at - header), header, x5c, at + 1) >= 0);
	return text;
}

char *signers_sign(enum signer_number number, const char *header, const uint8_t *payload,
		   size_t length)
{
	_cleanup_free_ char *filled = fill_in(header, signers[number].x5c);
	enum signer how = number == SIGNER_HMAC   ? SIGN_HS256_WITH_PUBLIC_KEY
			  : number == SIGNER_NONE ? SIGN_NOT_AT_ALL
						  : SIGN_PS256;

	return mint_jws(filled, (const char *)payload, length, signers[number].key, how);
}

bool signers_may_hold(enum signer_number number, bool name_is_asked)
{
	return number == SIGNER_ED25519 || number == SIGNER_P256 || number == SIGNER_RSA ||
	       number == SIGNER_CHAIN || number == SIGNER_LEAF ||
	       (number == SIGNER_NAMELESS && !name_is_asked);
}
