/* SPDX-License-Identifier: Apache-2.0 */
/* For ld.so.preload: the agent's OpenSSL is what openssl.cnf says, though the agent reads no such
 * file. Some distributions' OpenSSL does that by itself when the kernel is in FIPS mode. */
#include <errno.h>
#include <string.h>

#include <openssl/crypto.h>

__attribute__((constructor)) static void configure_openssl(void)
{
	if (strcmp(program_invocation_short_name, "agent") == 0 ||
	    strcmp(program_invocation_short_name, "exc-instance-connect") == 0)
		OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL);
}
