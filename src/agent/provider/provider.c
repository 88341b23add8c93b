/* SPDX-License-Identifier: Apache-2.0 */
/* Which provider agent.conf names. */
#include "agent/provider/provider.h"

extern const struct provider provider_excloud, provider_ec2;

const struct provider *provider_of(const struct config *config)
{
	static const struct provider *const providers[CONFIG_PROVIDER_COUNT] = {
		[PROVIDER_EXCLOUD] = &provider_excloud,
		[PROVIDER_EC2] = &provider_ec2,
	};

	return providers[config->provider];
}
