/* SPDX-License-Identifier: Apache-2.0 */
/* The trust directory: public keys and CA certificates that may vouch for grants. */
#include "grant/trust.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/crypto.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/cleanup.h"
#include "base/digest.h"
#include "grant/algorithm.h"

#define SUFFIX ".pem"

DEFINE_CLEANUP(BIO, BIO_free_all);
DEFINE_CLEANUP(X509_PUBKEY, X509_PUBKEY_free);

struct anchor {
	const char *stem; /* owned by trust->names; NULL for all but the first key of a file */
	char spki[DIGEST_HEX_SIZE];
	EVP_PKEY *key;
};

struct trust {
	int directory;
	size_t name_count;
	char *names[TRUST_FILES_MAX]; /* without ".pem"; unsorted: order means nothing */
	bool loaded;
	enum trust_state state; /* what loading found */
	unsigned int skipped;
	const char *first_skipped;
	unsigned int unavailable;
	size_t anchor_count;
	struct anchor anchors[TRUST_ANCHORS_MAX];
	STACK_OF(X509) * authorities;
};

/* Only root and the user running this may be able to write trust anchors. */
static bool is_safe(const struct stat *status)
{
	return (status->st_uid == 0 || status->st_uid == geteuid()) &&
	       (status->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

static enum trust_state list_names(struct trust *trust, DIR *stream)
{
	const struct dirent *entry;

	while ((entry = readdir(stream)) != NULL) {
		size_t length = strlen(entry->d_name);

		if (entry->d_name[0] == '.' || length <= strlen(SUFFIX) ||
		    strcmp(entry->d_name + length - strlen(SUFFIX), SUFFIX) != 0)
			continue;
		if (trust->name_count == TRUST_FILES_MAX)
			return TRUST_TOO_MANY;
		trust->names[trust->name_count] = strndup(entry->d_name, length - strlen(SUFFIX));
		if (trust->names[trust->name_count] == NULL)
			return TRUST_NO_MEMORY;
		trust->name_count++;
	}
	return trust->name_count == 0 ? TRUST_EMPTY : TRUST_OK;
}

enum trust_state trust_open(const char *directory, struct trust **result)
{
	struct trust *trust = NULL;
	enum trust_state state;
	struct stat status;
	DIR *stream;

	*result = NULL;
	stream = opendir(directory);
	if (stream == NULL)
		return errno == ENOMEM ? TRUST_NO_MEMORY : TRUST_EMPTY;
	trust = calloc(1, sizeof *trust);
	if (trust == NULL) {
		closedir(stream);
		return TRUST_NO_MEMORY;
	}
	if (fstat(dirfd(stream), &status) != 0 || !is_safe(&status))
		state = TRUST_UNSAFE;
	else
		state = list_names(trust, stream);
	trust->directory = fcntl(dirfd(stream), F_DUPFD_CLOEXEC, 0);
	if (state == TRUST_OK && trust->directory < 0)
		state = TRUST_NO_MEMORY;
	closedir(stream);
	if (state != TRUST_OK) {
		trust_free(trust);
		return state;
	}
	*result = trust;
	return TRUST_OK;
}

/* Read a whole file of at most TRUST_FILE_BYTES_MAX. NULL when it is no such file; the caller
 * frees. */
static char *read_file(const struct trust *trust, const char *stem, size_t *length)
{
	_cleanup_close_ int fd = -1;
	char name[NAME_MAX + 1];
	size_t stem_length = strlen(stem);
	struct stat status;
	char *bytes;

	memcpy(name, stem, stem_length);
	memcpy(name + stem_length, SUFFIX, sizeof SUFFIX);
	fd = openat(trust->directory, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || !is_safe(&status) ||
	    status.st_size > TRUST_FILE_BYTES_MAX)
		return NULL;
	bytes = malloc(TRUST_FILE_BYTES_MAX);
	if (bytes == NULL)
		return NULL;
	*length = 0;
	while (*length < TRUST_FILE_BYTES_MAX) {
		ssize_t got = read(fd, bytes + *length, TRUST_FILE_BYTES_MAX - *length);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		*length += (size_t)got;
	}
	return bytes;
}

/* Is this a key of an algorithm that OpenSSL lacks here? It is counted, and is no mistake in the
 * file. */
static bool is_unavailable(struct trust *trust, X509_PUBKEY *public)
{
	const enum algorithm algorithm = algorithm_of_public(public);

	if (algorithm == ALGORITHM_NONE || algorithm_is_available(algorithm))
		return false;
	trust->unavailable++;
	return true;
}

static bool is_unavailable_key(struct trust *trust, const unsigned char *der, long der_length)
{
	_cleanup_(cleanup_X509_PUBKEY_free) X509_PUBKEY *public =
		d2i_X509_PUBKEY(NULL, &der, der_length);

	return public != NULL && is_unavailable(trust, public);
}

/* Parse a DER SubjectPublicKeyInfo and keep its key. Its hash is that of the bytes as they are:
 * re-encoding takes OpenSSL 3 longer than verifying a signature. False when it is not a key, or no
 * room. */
static bool add_key(struct trust *trust, const unsigned char *der, long der_length,
		    const char *stem)
{
	struct anchor *anchor = &trust->anchors[trust->anchor_count];
	const unsigned char *at = der;

	if (trust->anchor_count == TRUST_ANCHORS_MAX)
		return false;
	anchor->key = d2i_PUBKEY(NULL, &at, der_length);
	anchor->stem = stem;
	if (anchor->key != NULL && at == der + der_length &&
	    digest_hex(der, (size_t)der_length, anchor->spki)) {
		trust->anchor_count++;
		return true;
	}
	if (anchor->key == NULL)
		return is_unavailable_key(trust, der, der_length);
	EVP_PKEY_free(anchor->key);
	anchor->key = NULL;
	return false;
}

/* Takes `certificate`. False when it is not a CA certificate or memory is short. */
static bool add_authority(struct trust *trust, X509 *certificate)
{
	if (X509_get0_pubkey(certificate) == NULL &&
	    is_unavailable(trust, X509_get_X509_PUBKEY(certificate))) {
		X509_free(certificate);
		return true;
	}
	if (sk_X509_num(trust->authorities) < TRUST_ANCHORS_MAX &&
	    X509_check_ca(certificate) == 1 && sk_X509_push(trust->authorities, certificate) > 0)
		return true;
	X509_free(certificate);
	return false;
}

/* Parse one PEM block. False when it is neither a public key nor a CA certificate. */
static bool add_block(struct trust *trust, const char *stem, bool first_key, const char *label,
		      const unsigned char *der, long der_length)
{
	const unsigned char *at = der;

	if (strcmp(label, PEM_STRING_PUBLIC) == 0)
		return add_key(trust, der, der_length, first_key ? stem : NULL);
	if (strcmp(label, PEM_STRING_X509) == 0) {
		X509 *certificate = d2i_X509(NULL, &at, der_length);

		return certificate != NULL && add_authority(trust, certificate);
	}
	return false;
}

/* False when the file cannot be read, is empty, or holds anything unusable. */
static bool load_file(struct trust *trust, const char *stem)
{
	size_t length = 0;
	_cleanup_free_ char *bytes = read_file(trust, stem, &length);
	_cleanup_(cleanup_BIO_free_all) BIO *bio = NULL;
	unsigned int blocks = 0;
	bool first_key = true;
	bool all_good = true;
	char *label, *header;
	unsigned char *der;
	long der_length;

	if (bytes == NULL)
		return false;
	bio = BIO_new_mem_buf(bytes, (int)length);
	/* Bounded: every block takes bytes from a buffer of TRUST_FILE_BYTES_MAX. */
	while (bio != NULL && PEM_read_bio(bio, &label, &header, &der, &der_length) == 1) {
		bool good = add_block(trust, stem, first_key, label, der, der_length);

		first_key = first_key && strcmp(label, PEM_STRING_PUBLIC) != 0;
		all_good = all_good && good;
		blocks++;
		OPENSSL_free(label);
		OPENSSL_free(header);
		OPENSSL_free(der);
	}
	return blocks > 0 && all_good;
}

/* Can OpenSSL start? Without memory for that, OpenSSL 3 does not fail but ends the process. */
static bool openssl_is_ready(void)
{
#if OPENSSL_VERSION_NUMBER >= 0x30000000L
	return OSSL_LIB_CTX_get0_global_default() != NULL;
#else
	return true;
#endif
}

enum trust_state trust_load(struct trust *trust)
{
	if (trust->loaded)
		return trust->state;
	trust->loaded = true;
	trust->state = TRUST_NO_MEMORY;
	if (!openssl_is_ready())
		return trust->state;
	trust->authorities = sk_X509_new_null();
	if (trust->authorities == NULL)
		return trust->state;
	for (size_t i = 0; i < trust->name_count; i++) {
		if (load_file(trust, trust->names[i]))
			continue;
		if (trust->skipped++ == 0)
			trust->first_skipped = trust->names[i];
	}
	trust->state = trust->anchor_count == 0 && sk_X509_num(trust->authorities) == 0
			       ? TRUST_EMPTY
			       : TRUST_OK;
	return trust->state;
}

unsigned int trust_skipped(const struct trust *trust, const char **first)
{
	*first = trust->first_skipped;
	return trust->skipped;
}

unsigned int trust_unavailable(const struct trust *trust)
{
	return trust->unavailable;
}

EVP_PKEY *trust_key(const struct trust *trust, const char *kid)
{
	for (size_t i = 0; i < trust->anchor_count; i++) {
		const struct anchor *anchor = &trust->anchors[i];

		if (strcmp(anchor->spki, kid) == 0 ||
		    (anchor->stem != NULL && strcmp(anchor->stem, kid) == 0))
			return anchor->key;
	}
	return NULL;
}

STACK_OF(X509) * trust_authorities(const struct trust *trust)
{
	return trust->authorities;
}

void trust_free(struct trust *trust)
{
	if (trust == NULL)
		return;
	for (size_t i = 0; i < trust->name_count; i++)
		free(trust->names[i]);
	for (size_t i = 0; i < trust->anchor_count; i++)
		EVP_PKEY_free(trust->anchors[i].key);
	sk_X509_pop_free(trust->authorities, X509_free);
	if (trust->directory >= 0)
		close(trust->directory);
	free(trust);
}
