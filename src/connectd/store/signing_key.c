/* SPDX-License-Identifier: Apache-2.0 */
/* The control plane's Ed25519 key, and the JWS that it signs (RFC 7515, RFC 8037). */
#include "connectd/store/signing_key.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/pem.h>

#include "connectd/store/owned_file.h"
#include "base/base64.h"

#define SIGNATURE_BYTES 64
#define HEADER_SIZE 256

DEFINE_CLEANUP(EVP_PKEY_CTX, EVP_PKEY_CTX_free);
DEFINE_CLEANUP(EVP_PKEY, EVP_PKEY_free);
DEFINE_CLEANUP(EVP_MD_CTX, EVP_MD_CTX_free);
DEFINE_CLEANUP(BIO, BIO_free_all);

static EVP_PKEY *generate(void)
{
	_cleanup_(cleanup_EVP_PKEY_CTX_free) EVP_PKEY_CTX *context =
		EVP_PKEY_CTX_new_id(EVP_PKEY_ED25519, NULL);
	EVP_PKEY *key = NULL;

	if (context == NULL || EVP_PKEY_keygen_init(context) != 1 ||
	    EVP_PKEY_keygen(context, &key) != 1)
		return NULL;
	return key;
}

bool signing_key_create(const char *path, char *error, size_t size)
{
	_cleanup_(cleanup_EVP_PKEY_free) EVP_PKEY *key = NULL;
	int fd = owned_file_create(path);
	FILE *file;
	bool written;

	if (fd < 0 && errno == EEXIST)
		return true;
	file = fd < 0 ? NULL : fdopen(fd, "w");
	if (file == NULL) {
		snprintf(error, size, "%s: %s; does its directory exist?", path, strerror(errno));
		return false;
	}
	key = generate();
	written = key != NULL && PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1 &&
		  fflush(file) == 0 && fsync(fd) == 0;
	if (fclose(file) == 0 && written)
		return true;
	/* Half a key would be mistaken for a whole one the next time. */
	unlink(path);
	snprintf(error, size, "%s: cannot write the signing key; is the disk full?", path);
	return false;
}

bool signing_key_load(struct signing_key *key, const char *path, char *error, size_t size)
{
	FILE *file = fopen(path, "re");
	unsigned char *der = NULL;
	struct stat status;
	int der_length;
	bool good;

	memset(key, 0, sizeof *key);
	if (file == NULL) {
		snprintf(error, size, "%s: %s; run: exc-connectd init", path, strerror(errno));
		return false;
	}
	if (fstat(fileno(file), &status) != 0 || (status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
		fclose(file);
		snprintf(error, size, "%s: others can read this key; run: chmod 600 %s", path,
			 path);
		return false;
	}
	key->key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
	fclose(file);
	if (key->key == NULL || EVP_PKEY_base_id(key->key) != EVP_PKEY_ED25519) {
		signing_key_free(key);
		snprintf(error, size, "%s: not an Ed25519 private key in PEM", path);
		return false;
	}
	der_length = i2d_PUBKEY(key->key, &der);
	good = der_length > 0 && digest_hex(der, (size_t)der_length, key->kid);
	OPENSSL_free(der);
	return good;
}

void signing_key_free(struct signing_key *key)
{
	EVP_PKEY_free(key->key);
	key->key = NULL;
}

char *signing_key_public_pem(const struct signing_key *key)
{
	_cleanup_(cleanup_BIO_free_all) BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long length;

	if (bio == NULL || PEM_write_bio_PUBKEY(bio, key->key) != 1)
		return NULL;
	length = BIO_get_mem_data(bio, &text);
	return strndup(text, (size_t)length);
}

char *signing_key_sign(const struct signing_key *key, const char *typ, const char *payload)
{
	_cleanup_(cleanup_EVP_MD_CTX_free) EVP_MD_CTX *context = EVP_MD_CTX_new();
	uint8_t signature[SIGNATURE_BYTES];
	size_t signature_length = sizeof signature;
	char header[HEADER_SIZE];
	size_t length;
	char *text;

	snprintf(header, sizeof header, "{\"alg\":\"EdDSA\",\"typ\":\"%s\",\"kid\":\"%s\"}", typ,
		 key->kid);
	text = malloc(BASE64_SIZE(strlen(header)) + BASE64_SIZE(strlen(payload)) +
		      BASE64_SIZE(sizeof signature));
	if (text == NULL || context == NULL)
		goto fail;
	length = base64url_encode((const uint8_t *)header, strlen(header), text);
	text[length++] = '.';
	length += base64url_encode((const uint8_t *)payload, strlen(payload), text + length);
	if (EVP_DigestSignInit(context, NULL, NULL, NULL, key->key) != 1 ||
	    EVP_DigestSign(context, signature, &signature_length, (const unsigned char *)text,
			   length) != 1)
		goto fail;
	text[length++] = '.';
	base64url_encode(signature, signature_length, text + length);
	return text;
fail:
	free(text);
	return NULL;
}
