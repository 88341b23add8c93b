/* SPDX-License-Identifier: Apache-2.0 */
/* What the agent may still do once it reads what the endpoint sent. */
#include "agent/answer/walls.h"

#include "agent/config/instance_id.h"
#include "agent/http/fetch_process.h"
#include "agent/provider/provider.h"
#include "grant/trust.h"
#include "ledger/offer.h"
#include "ledger/paths.h"

_Static_assert(SANDBOX_FILE_BYTES_MAX > OFFER_BYTES_MAX, "an offer can be written");
_Static_assert(SANDBOX_LINKS_MAX >= TRUST_FILES_MAX, "each trust anchor may be a link");

/* Which instance this is */
#define IDENTITY                                                                                   \
	"/sys/class/dmi/id", LOCALSTATEDIR "/lib/cloud/data",                                      \
		LOCALSTATEDIR "/lib/cloud/instance/datasource", INSTANCE_ID_FILE,                  \
		"/etc/machine-id"

static const char *const readable[] = { IDENTITY, NULL };
static const char *const readable_with_certificates[] = { IDENTITY, SANDBOX_CERTIFICATES, NULL };

static struct sandbox make(const struct config *config, const char *writable)
{
	return (struct sandbox){ .readable = provider_of(config)->trusts_system
						     ? readable_with_certificates
						     : readable,
				 .listed = config->trust_dir,
				 .writable = writable };
}

unsigned int walls_enter(const struct config *config, const char *writable)
{
	const struct sandbox sandbox = make(config, writable);

	fetch_process_keep();
	return sandbox_enter(&sandbox);
}

unsigned int walls_try(const struct config *config, const char *writable)
{
	const struct sandbox sandbox = make(config, writable);

	return sandbox_try(&sandbox) & fetch_process_try(config);
}
