/* SPDX-License-Identifier: Apache-2.0 */
/* The query of a request's URL (RFC 3986 section 3.4): NAME=VALUE pairs, decoded. */
#include "connectd/api/query.h"

#include <string.h>

bool query_add(struct query *query, const char *pair)
{
	size_t size = strlen(pair) + 1;

	if (size > sizeof query->pairs - query->length)
		return false;
	memcpy(query->pairs + query->length, pair, size);
	query->length += size;
	return true;
}

const char *query_value(const struct query *query, const char *name)
{
	const char *value = "";
	size_t length = strlen(name);

	/* Bounded by QUERY_SIZE */
	for (size_t at = 0; at < query->length; at += strlen(query->pairs + at) + 1) {
		const char *pair = query->pairs + at;

		if (strncmp(pair, name, length) == 0 && pair[length] == '=')
			value = pair + length + 1;
	}
	return value;
}
