/* SPDX-License-Identifier: Apache-2.0 */
/* Make keys, certificates, trust directories and signed texts, good and hostile, for the unit
 * tests. */
#include "mint.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* cmocka.h needs setjmp.h before it. */
#include <setjmp.h>
#include <cmocka.h>

#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "base/base64.h"

EVP_PKEY *mint_key(const char *kind, int bits)
{
	int id = strcmp(kind, "ED25519") == 0 ? EVP_PKEY_ED25519
		 : strcmp(kind, "RSA") == 0   ? EVP_PKEY_RSA
					      : EVP_PKEY_EC;
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_id(id, NULL);
	EVP_PKEY *key = NULL;

	assert_int_equal(EVP_PKEY_keygen_init(context), 1);
	if (id == EVP_PKEY_RSA)
		assert_int_equal(EVP_PKEY_CTX_set_rsa_keygen_bits(context, bits), 1);
	if (id == EVP_PKEY_EC)
		assert_int_equal(EVP_PKEY_CTX_set_ec_paramgen_curve_nid(
					 context, strcmp(kind, "P-256") == 0 ? NID_X9_62_prime256v1
									     : NID_secp384r1),
				 1);
	assert_int_equal(EVP_PKEY_keygen(context, &key), 1);
	EVP_PKEY_CTX_free(context);
	return key;
}

char *mint_directory(void)
{
	const char *place = getenv("TMPDIR");
	char *directory = malloc(4096);

	assert_non_null(directory);
	snprintf(directory, 4096, "%s/instance-connect-test.XXXXXX",
		 place == NULL ? "/tmp" : place);
	assert_non_null(mkdtemp(directory));
	return directory;
}

static void remove_tree(const char *path)
{
	DIR *stream = opendir(path);
	const struct dirent *entry;

	while (stream != NULL && (entry = readdir(stream)) != NULL) {
		char below[4096];

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		snprintf(below, sizeof below, "%s/%s", path, entry->d_name);
		if (unlink(below) != 0)
			remove_tree(below);
	}
	if (stream != NULL)
		closedir(stream);
	rmdir(path);
}

void mint_remove(char *directory)
{
	remove_tree(directory);
	free(directory);
}

static FILE *create(const char *directory, const char *name)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof path, "%s/%s", directory, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fchmod(fileno(file), 0644), 0);
	return file;
}

void mint_write_public(const char *directory, const char *name, EVP_PKEY *key)
{
	FILE *file = create(directory, name);

	assert_int_equal(PEM_write_PUBKEY(file, key), 1);
	fclose(file);
}

void mint_write_certificate(const char *directory, const char *name, X509 *certificate)
{
	FILE *file = create(directory, name);

	assert_int_equal(PEM_write_X509(file, certificate), 1);
	fclose(file);
}

void mint_write_text(const char *directory, const char *name, const char *text)
{
	FILE *file = create(directory, name);

	fputs(text, file);
	fclose(file);
}

static void add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *extension;

	X509V3_set_ctx_nodb(&context);
	X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	assert_non_null(extension);
	X509_add_ext(certificate, extension, -1);
	X509_EXTENSION_free(extension);
}

X509 *mint_certificate(const struct certificate_request *request)
{
	static long serial;
	X509 *certificate = X509_new();
	X509 *issuer = request->issuer == NULL ? certificate : request->issuer;
	EVP_PKEY *signing = request->issuer == NULL ? request->key : request->issuer_key;
	X509_NAME *name = X509_NAME_new();

	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)request->name,
				   -1, -1, 0);
	X509_set_version(certificate, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
	X509_gmtime_adj(X509_getm_notBefore(certificate), request->starts);
	X509_gmtime_adj(X509_getm_notAfter(certificate), request->ends);
	X509_set_pubkey(certificate, request->key);
	X509_set_subject_name(certificate, name);
	X509_set_issuer_name(certificate,
			     request->issuer == NULL ? name : X509_get_subject_name(issuer));
	X509_NAME_free(name);
	add_extension(certificate, issuer, NID_basic_constraints,
		      request->authority ? "critical,CA:TRUE" : "CA:FALSE");
	if (request->key_usage != NULL)
		add_extension(certificate, issuer, NID_key_usage, request->key_usage);
	if (request->alternative_name != NULL)
		add_extension(certificate, issuer, NID_subject_alt_name, request->alternative_name);
	assert_true(X509_sign(certificate, signing,
			      EVP_PKEY_base_id(signing) == EVP_PKEY_ED25519 ? NULL : EVP_sha256()) >
		    0);
	return certificate;
}

static size_t sign_ecdsa(const unsigned char *der, size_t der_length, unsigned char *raw)
{
	ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &der, (long)der_length);
	const BIGNUM *r, *s;

	assert_non_null(signature);
	ECDSA_SIG_get0(signature, &r, &s);
	assert_int_equal(BN_bn2binpad(r, raw, 32), 32);
	assert_int_equal(BN_bn2binpad(s, raw + 32, 32), 32);
	ECDSA_SIG_free(signature);
	return 64;
}

/* The attack of RFC 8725 section 2.1: the public key, which everybody has, as an HMAC secret. */
static size_t sign_hmac(EVP_PKEY *key, const char *text, unsigned char *out)
{
	BIO *bio = BIO_new(BIO_s_mem());
	unsigned int length = 0;
	char *pem;
	long pem_length;

	assert_int_equal(PEM_write_bio_PUBKEY(bio, key), 1);
	pem_length = BIO_get_mem_data(bio, &pem);
	assert_non_null(HMAC(EVP_sha256(), pem, (int)pem_length, (const unsigned char *)text,
			     strlen(text), out, &length));
	BIO_free_all(bio);
	return length;
}

static size_t sign(EVP_PKEY *key, enum signer signer, const char *text, unsigned char *out,
		   size_t size)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	EVP_PKEY_CTX *key_context = NULL;
	unsigned char made[1024];
	size_t length = sizeof made;
	const EVP_MD *hash = EVP_PKEY_base_id(key) == EVP_PKEY_ED25519 ? NULL : EVP_sha256();

	assert_int_equal(EVP_DigestSignInit(context, &key_context, hash, NULL, key), 1);
	if (signer == SIGN_PS256 && EVP_PKEY_base_id(key) == EVP_PKEY_RSA) {
		EVP_PKEY_CTX_set_rsa_padding(key_context, RSA_PKCS1_PSS_PADDING);
		EVP_PKEY_CTX_set_rsa_pss_saltlen(key_context, RSA_PSS_SALTLEN_DIGEST);
	}
	assert_int_equal(
		EVP_DigestSign(context, made, &length, (const unsigned char *)text, strlen(text)),
		1);
	EVP_MD_CTX_free(context);
	assert_true(length <= size);
	if (EVP_PKEY_base_id(key) == EVP_PKEY_EC && EVP_PKEY_bits(key) == 256)
		return sign_ecdsa(made, length, out);
	memcpy(out, made, length);
	return length;
}

char *mint_jws(const char *header, const char *payload, size_t payload_length, EVP_PKEY *key,
	       enum signer signer)
{
	size_t size = BASE64_SIZE(strlen(header)) + BASE64_SIZE(payload_length) + BASE64_SIZE(1024);
	char *text = malloc(size);
	unsigned char signature[1024];
	size_t length = base64url_encode((const uint8_t *)header, strlen(header), text);
	size_t signature_length = 0;

	text[length++] = '.';
	length += base64url_encode((const uint8_t *)payload, payload_length, text + length);
	if (signer == SIGN_HS256_WITH_PUBLIC_KEY)
		signature_length = sign_hmac(key, text, signature);
	else if (signer != SIGN_NOT_AT_ALL)
		signature_length = sign(key, signer, text, signature, sizeof signature);
	text[length++] = '.';
	base64url_encode(signature, signature_length, text + length);
	return text;
}

char *mint_x5c_header(const char *alg, const char *typ, X509 **certificates)
{
	char *text = malloc(65536);
	int length = sprintf(text, "{\"alg\":\"%s\",\"typ\":\"%s\",\"x5c\":[", alg, typ);

	for (int i = 0; certificates[i] != NULL; i++) {
		unsigned char *der = NULL;
		int der_length = i2d_X509(certificates[i], &der);

		length += sprintf(text + length, "%s\"", i == 0 ? "" : ",");
		length += (int)base64_encode(der, (size_t)der_length, text + length);
		length += sprintf(text + length, "\"");
		OPENSSL_free(der);
	}
	sprintf(text + length, "]}");
	return text;
}
