/* SPDX-License-Identifier: Apache-2.0 */
/* An OpenSSL that has everything but Ed25519, as that of a machine in FIPS mode. */
#ifndef EXC_TEST_NO_ED25519_H
#define EXC_TEST_NO_ED25519_H

#include <openssl/crypto.h>

#if OPENSSL_VERSION_NUMBER >= 0x30000000L
#include <openssl/core.h>

/* A provider with the algorithms of OpenSSL's own, but for Ed25519; see provider-base(7). It can be
 * a file that openssl.cnf names, or be given to OSSL_PROVIDER_add_builtin(). */
OSSL_provider_init_fn OSSL_provider_init;
#endif

#endif
