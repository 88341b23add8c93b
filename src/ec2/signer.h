/* SPDX-License-Identifier: Apache-2.0 */
/* Who signs pushed keys on EC2: a certificate chain up to a CA of the system, and an OCSP response
 * for each certificate in it (RFC 5280, RFC 6960). */
#ifndef EXC_EC2_SIGNER_H
#define EXC_EC2_SIGNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <openssl/evp.h>

#include "grant/verdict.h"

/* Bytes of the chain in PEM, and certificates in it */
#define SIGNER_CHAIN_BYTES_MAX (64 * 1024)
#define SIGNER_CERTIFICATES_MAX 8
/* Bytes of one OCSP response in DER; it may carry the responder's certificates. */
#define SIGNER_STAPLE_BYTES_MAX (16 * 1024)
/* Names of staples: upper-case hexadecimal of a certificate's SHA-1 or SHA-256, and the NUL */
#define SIGNER_SHA1_NAME_SIZE 41
#define SIGNER_SHA256_NAME_SIZE 65
/* "managed-ssh-signer.REGION.DOMAIN", and the NUL */
#define SIGNER_NAME_SIZE 128
/* Bytes for the error message about a chain or a staple */
#define SIGNER_WHY_SIZE 256

struct signer;

/* Strings are borrowed for the call. */
struct signer_policy {
	const char *authorities; /* CA certificates: a file of PEM, or a directory with the links
				  * that openssl-rehash(1) makes; NULL: the system's */
	const char *name; /* the leaf's common name, byte for byte */
	time_t now; /* seconds since 1970 */
};

/* Read `length` bytes of PEM, leaf first, and verify the chain. GRANT_OK: *signer is the caller's,
 * to signer_free(). Otherwise *signer is NULL, `why` says more, and the verdict is
 * GRANT_UNTRUSTED_CHAIN, GRANT_SIGNER_NOT_ALLOWED (another name, or not an RSA key of 2048 to 8192
 * bits that may sign) or GRANT_NO_MEMORY. */
enum grant_verdict signer_open(const char *chain, size_t length, const struct signer_policy *policy,
			       struct signer **signer, char why[SIGNER_WHY_SIZE]);

/* How many certificates need a staple: those below the trusted root, from the leaf (0) up. */
unsigned int signer_staples(const struct signer *signer);

/* Is this the name of the staple for certificate `i`? Case does not matter. */
bool signer_names_staple(const struct signer *signer, unsigned int i, const char *name);

/* Accept the staple of certificate `i`: an OCSP response in DER. GRANT_OK: it reports this
 * certificate as good, is fresh, and is signed by the certificate's issuer or its delegate.
 * Otherwise, with `why`, one of GRANT_STAPLE_MALFORMED to GRANT_SIGNER_REVOKED. */
enum grant_verdict signer_take_staple(struct signer *signer, unsigned int i, const uint8_t *der,
				      size_t length, char why[SIGNER_WHY_SIZE]);

/* GRANT_OK when every staple was accepted, otherwise GRANT_STAPLE_MISSING, with `why`. */
enum grant_verdict signer_complete(const struct signer *signer, char why[SIGNER_WHY_SIZE]);

/* The signer's public key, owned by `signer`; NULL while a staple is missing. */
EVP_PKEY *signer_key(const struct signer *signer);

void signer_free(struct signer *signer);

#endif
