/* SPDX-License-Identifier: Apache-2.0 */
/* Does the OCSP response that came with a certificate report it as good (RFC 6960)? */
#ifndef EXC_EC2_STAPLE_H
#define EXC_EC2_STAPLE_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <openssl/x509.h>

#include "grant/verdict.h"

/* All borrowed. */
struct staple_policy {
	X509 *certificate;
	X509 *issuer; /* which is verified already */
	STACK_OF(X509) * others; /* verified as well; a delegate's chain may need them */
	X509_STORE *store; /* CA certificates, with `now` as its time */
	time_t now; /* seconds since 1970 */
};

/* Verify `length` bytes of DER. GRANT_OK: the response is successful, has the certificate by serial
 * number and issuer, is signed by the issuer or by a certificate that the issuer has made for OCSP,
 * says "good", and is valid at `now`, give or take five minutes. Otherwise GRANT_STAPLE_MALFORMED,
 * _OTHER_CERTIFICATE, _BAD_SIGNATURE, _EXPIRED, _NOT_GOOD or GRANT_SIGNER_REVOKED, and *why, a
 * string constant. */
enum grant_verdict staple_verify(const uint8_t *der, size_t length,
				 const struct staple_policy *policy, const char **why);

#endif
