/* SPDX-License-Identifier: Apache-2.0 */
/* For ld.so.preload: the agent's OpenSSL is what openssl.cnf says, though the agent reads no such
 * file: as soon as the program starts, or, with LATE, when OpenSSL is first used. Some
 * distributions' OpenSSL does that by itself when the kernel is in FIPS mode. */
#include <dlfcn.h>
#include <errno.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

static int is_agent(void)
{
	return strcmp(program_invocation_short_name, "agent") == 0 ||
	       strcmp(program_invocation_short_name, "exc-instance-connect") == 0;
}

#ifdef LATE
/* As if OpenSSL did it: before it makes its library context or looks for an algorithm */
static int configure_openssl(void)
{
	static int configured;

	if (!configured && is_agent())
		configured = OSSL_LIB_CTX_load_config(NULL, "/etc/ssl/openssl.cnf");
	return configured || !is_agent();
}

OSSL_LIB_CTX *OSSL_LIB_CTX_get0_global_default(void)
{
	OSSL_LIB_CTX *(*original)(void) =
		(OSSL_LIB_CTX * (*)(void)) dlsym(RTLD_NEXT, "OSSL_LIB_CTX_get0_global_default");

	return configure_openssl() ? original() : NULL;
}

EVP_KEYMGMT *EVP_KEYMGMT_fetch(OSSL_LIB_CTX *context, const char *algorithm, const char *properties)
{
	EVP_KEYMGMT *(*original)(OSSL_LIB_CTX *, const char *, const char *) =
		(EVP_KEYMGMT * (*)(OSSL_LIB_CTX *, const char *, const char *))
			dlsym(RTLD_NEXT, "EVP_KEYMGMT_fetch");

	return configure_openssl() ? original(context, algorithm, properties) : NULL;
}
#else
__attribute__((constructor)) static void configure_openssl(void)
{
	if (is_agent())
		OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL);
}
#endif
