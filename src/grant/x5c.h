/* SPDX-License-Identifier: Apache-2.0 */
/* Verify the certificate chain in a JWS header (RFC 7515 section 4.1.6, RFC 5280). */
#ifndef EXC_GRANT_X5C_H
#define EXC_GRANT_X5C_H

#include <time.h>

#include <cjson/cJSON.h>
#include <openssl/evp.h>

#include "grant/trust.h"
#include "grant/verdict.h"

/* Certificates in one header, the leaf included */
#define X5C_CHAIN_MAX 4
/* Bytes of one certificate's DER */
#define X5C_CERTIFICATE_BYTES_MAX 8192

/* Verify `chain` (the x5c member: leaf first, standard base64 of DER) up to a CA certificate of the
 * trust directory, at `now` (seconds since 1970). The leaf needs digitalSignature in its key usage
 * and, when `signer_name` is not NULL, that DNS name in its subjectAltName. On GRANT_OK the caller
 * owns *key (EVP_PKEY_free). Otherwise GRANT_BAD_HEADER, GRANT_UNTRUSTED_CHAIN,
 * GRANT_SIGNER_NOT_ALLOWED or GRANT_NO_MEMORY. */
enum grant_verdict x5c_verify(const cJSON *chain, const struct trust *trust, time_t now,
			      const char *signer_name, EVP_PKEY **key);

#endif
