/* SPDX-License-Identifier: Apache-2.0 */
/* The providers that there are. */
#include "agent/provider/provider.h"

#include <stdio.h>
#include <string.h>

/* A line for each, with the name of its struct; the first one is the default. */
#define LIST(X)                                                                                    \
	X(provider_excloud)                                                                        \
	X(provider_ec2)

#define DECLARE(name) extern const struct provider name;
LIST(DECLARE)

#define POINT_TO(name) &name,
static const struct provider *const providers[] = { LIST(POINT_TO) };
#define PROVIDERS (sizeof providers / sizeof providers[0])

const struct provider *provider_named(const char *name)
{
	for (size_t i = 0; i < PROVIDERS; i++)
		if (strcmp(providers[i]->name, name) == 0)
			return providers[i];
	return NULL;
}

const struct provider *provider_default(void)
{
	return providers[0];
}

void provider_names(char *names, size_t size)
{
	size_t length = 0;

	names[0] = '\0';
	for (size_t i = 0; i < PROVIDERS && length < size; i++)
		length += (size_t)snprintf(names + length, size - length, "%s%s",
					   i == 0 ? "" : ", ", providers[i]->name);
}
