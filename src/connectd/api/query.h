/* SPDX-License-Identifier: Apache-2.0 */
/* The query of a request's URL (RFC 3986 section 3.4): NAME=VALUE pairs, decoded. */
#ifndef EXC_CONNECTD_API_QUERY_H
#define EXC_CONNECTD_API_QUERY_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of all pairs of one query, each with its NUL, and the bytes of one of them */
#define QUERY_SIZE 1024
#define QUERY_PAIR_SIZE 256

/* All zero: no query */
struct query {
	size_t length;
	char pairs[QUERY_SIZE]; /* one after the other, each with its NUL */
};

/* Add one pair. False when there is no room for it. */
bool query_add(struct query *query, const char *pair);

/* The value of this name, of the last pair that has it; empty without one. Owned by the query. */
const char *query_value(const struct query *query, const char *name);

#endif
