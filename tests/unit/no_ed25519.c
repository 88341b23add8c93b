/* SPDX-License-Identifier: Apache-2.0 */
/* An OpenSSL that has everything but Ed25519, as that of a machine in FIPS mode. */
#include "no_ed25519.h"

#if OPENSSL_VERSION_NUMBER >= 0x30000000L
#include <stddef.h>
#include <string.h>

#include <openssl/core_dispatch.h>
#include <openssl/provider.h>

#define OPERATIONS_MAX 32
#define ALGORITHMS_MAX 512

/* OpenSSL's own provider, in a library context that nobody else uses. It lives as long as the
 * process. */
static OSSL_PROVIDER *whole;
static OSSL_ALGORITHM kept[OPERATIONS_MAX][ALGORITHMS_MAX];

static const OSSL_ALGORITHM *query(void *context, int operation, int *no_cache)
{
	const OSSL_ALGORITHM *from = OSSL_PROVIDER_query_operation(whole, operation, no_cache);
	size_t count = 0;

	(void)context;
	if (from == NULL || operation >= OPERATIONS_MAX)
		return NULL;
	for (; from->algorithm_names != NULL && count < ALGORITHMS_MAX - 1; from++)
		if (strncmp(from->algorithm_names, "ED25519", strlen("ED25519")) != 0)
			kept[operation][count++] = *from;
	memset(&kept[operation][count], 0, sizeof kept[operation][count]);
	return kept[operation];
}

static const OSSL_DISPATCH functions[] = {
	{ OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query }, { 0, NULL }
};

int OSSL_provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
		       const OSSL_DISPATCH **out, void **context)
{
	OSSL_LIB_CTX *library = OSSL_LIB_CTX_new();

	(void)handle;
	(void)in;
	whole = library == NULL ? NULL : OSSL_PROVIDER_load(library, "default");
	if (whole == NULL)
		return 0;
	*out = functions;
	*context = OSSL_PROVIDER_get0_provider_ctx(whole);
	return 1;
}
#endif
