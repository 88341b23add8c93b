/* SPDX-License-Identifier: Apache-2.0 */
/* The trust directory: public keys and CA certificates that may vouch for grants. */
#ifndef EXC_GRANT_TRUST_H
#define EXC_GRANT_TRUST_H

#include <stddef.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "grant/verdict.h"

/* Files that are read; more than this is a mistake worth reporting. */
#define TRUST_FILES_MAX 64
#define TRUST_FILE_BYTES_MAX (64 * 1024)
/* Keys and certificates in all files together */
#define TRUST_ANCHORS_MAX 256

struct trust;

enum trust_state {
	TRUST_OK,
	TRUST_EMPTY, /* no such directory, or no usable *.pem in it */
	TRUST_UNSAFE, /* others than root and the agent's user can write it or a file in it */
	TRUST_TOO_MANY, /* over TRUST_FILES_MAX or TRUST_ANCHORS_MAX */
	TRUST_NO_MEMORY,
};

/* Open the directory and look at its names: no file is read before a grant needs it. TRUST_OK says
 * that there is at least one *.pem; *trust is then the caller's, to trust_free(). Otherwise *trust
 * is NULL. */
enum trust_state trust_open(const char *directory, struct trust **trust);

/* Read and parse the files, once; further calls return what the first one found. Files that are not
 * regular, too large or without a PEM key or certificate are skipped; trust_skipped() counts them.
 */
enum trust_state trust_load(struct trust *trust);

/* How many files could not be used, and the name of the first one (owned by trust) or NULL. */
unsigned int trust_skipped(const struct trust *trust, const char **first);

/* How many keys and CA certificates are left out, though their files are good, because this OpenSSL
 * lacks their algorithm. */
unsigned int trust_unavailable(const struct trust *trust);

/* The public key that `kid` names: the name of the file without ".pem", or the lower-case
 * hexadecimal SHA-256 of the key's DER SubjectPublicKeyInfo. NULL when there is none; owned by
 * trust. Several keys may be in one file; the file's name then means the first. */
EVP_PKEY *trust_key(const struct trust *trust, const char *kid);

/* The CA certificates, as a stack owned by trust; never NULL after trust_load(). */
STACK_OF(X509) * trust_authorities(const struct trust *trust);

void trust_free(struct trust *trust);

#endif
