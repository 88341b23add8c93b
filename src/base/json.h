/* SPDX-License-Identifier: Apache-2.0 */
/* Read JSON (RFC 8259) that two parsers could not understand differently. */
#ifndef EXC_BASE_JSON_H
#define EXC_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "base/cleanup.h"

/* Arrays and objects inside one another; a grant needs three levels. */
#define JSON_DEPTH_MAX 8
/* Members and elements in one text, so that looking for duplicates has a bound. */
#define JSON_VALUES_MAX 2048
/* The largest integer that every JSON reader represents exactly (RFC 7493 section 2.2). */
#define JSON_INTEGER_MAX 9007199254740991.0

enum json_result {
	JSON_OK,
	JSON_MALFORMED, /* not one object by RFC 8259, or over a limit */
	JSON_DUPLICATE_MEMBER,
	JSON_NO_MEMORY,
};

DEFINE_CLEANUP(cJSON, cJSON_Delete);
#define _cleanup_json_ _cleanup_(cleanup_cJSON_Delete)

/* Parse exactly `length` bytes holding one JSON object. Stricter than RFC 8259, it refuses
 * duplicate members, \u0000 and lone surrogates in strings, depth over JSON_DEPTH_MAX, more than
 * JSON_VALUES_MAX values, bytes after the object. On JSON_OK the caller owns *object
 * (cJSON_Delete), otherwise *object is NULL. */
enum json_result json_parse(const char *text, size_t length, cJSON **object);

/* The member with exactly this name, or NULL. Owned by the object. */
const cJSON *json_member(const cJSON *object, const char *name);

/* The member's text, or NULL when it is missing or not a string. Owned by the object. */
const char *json_string(const cJSON *object, const char *name);

/* Read an integer from 0 to JSON_INTEGER_MAX. False when it is missing, not a number, negative,
 * a fraction or too large. */
bool json_integer(const cJSON *object, const char *name, int64_t *value);

#endif
