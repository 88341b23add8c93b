/* SPDX-License-Identifier: Apache-2.0 */
/* Read JSON (RFC 8259) that two parsers could not understand differently.
 *
 * cJSON builds the tree, but it takes more than RFC 8259 allows (control characters in strings,
 * numbers such as 01 or +1, invalid UTF-8), and it ends strings at \u0000. So the text is first
 * checked against the grammar here, and only what passes is parsed. */
#include "base/json.h"

#include <string.h>

#include "base/utf8.h"

struct scanner {
	const unsigned char *at;
	const unsigned char *end;
	unsigned int depth;
	unsigned int values;
};

/* NOLINTNEXTLINE(misc-no-recursion): see there */
static bool scan_value(struct scanner *s);

static bool take(struct scanner *s, unsigned char c)
{
	if (s->at == s->end || *s->at != c)
		return false;
	s->at++;
	return true;
}

static void skip_space(struct scanner *s)
{
	while (s->at < s->end &&
	       (*s->at == ' ' || *s->at == '\t' || *s->at == '\n' || *s->at == '\r'))
		s->at++;
}

static bool is_digit(unsigned char c)
{
	return c >= '0' && c <= '9';
}

static bool scan_digits(struct scanner *s)
{
	const unsigned char *start = s->at;

	while (s->at < s->end && is_digit(*s->at))
		s->at++;
	return s->at > start;
}

static bool scan_number(struct scanner *s)
{
	take(s, '-');
	if (!take(s, '0') && !scan_digits(s))
		return false;
	if (take(s, '.') && !scan_digits(s))
		return false;
	if (take(s, 'e') || take(s, 'E')) {
		if (!take(s, '+'))
			take(s, '-');
		return scan_digits(s);
	}
	return true;
}

/* Four hexadecimal digits, or -1. */
static int scan_hex4(struct scanner *s)
{
	int value = 0;

	if (s->end - s->at < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		unsigned char c = *s->at++;

		if (is_digit(c))
			value = value * 16 + (c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			value = value * 16 + ((c | 0x20) - 'a' + 10);
		else
			return -1;
	}
	return value;
}

static bool scan_escape(struct scanner *s)
{
	int unit;

	if (s->at == s->end)
		return false;
	if (*s->at != 'u')
		return memchr("\"\\/bfnrt", *s->at++, 8) != NULL;
	s->at++;
	unit = scan_hex4(s);
	if (unit <= 0 || (unit >= 0xdc00 && unit <= 0xdfff))
		return false;
	if (unit < 0xd800 || unit > 0xdbff)
		return true;
	if (!take(s, '\\') || !take(s, 'u'))
		return false;
	unit = scan_hex4(s);
	return unit >= 0xdc00 && unit <= 0xdfff;
}

/* One character outside ASCII */
static bool scan_utf8(struct scanner *s)
{
	size_t size;

	if (utf8_character(s->at, (size_t)(s->end - s->at), &size) != UTF8_WHOLE)
		return false;
	s->at += size;
	return true;
}

static bool scan_string(struct scanner *s)
{
	if (!take(s, '"'))
		return false;
	while (s->at < s->end && *s->at != '"') {
		if (*s->at < 0x20)
			return false;
		if (*s->at >= 0x80) {
			if (!scan_utf8(s))
				return false;
		} else if (*s->at++ == '\\' && !scan_escape(s)) {
			return false;
		}
	}
	return take(s, '"');
}

/* NOLINTBEGIN(misc-no-recursion): no deeper than JSON_DEPTH_MAX, which scan_value() enforces */
static bool scan_object(struct scanner *s)
{
	skip_space(s);
	if (take(s, '}'))
		return true;
	do {
		skip_space(s);
		if (!scan_string(s))
			return false;
		skip_space(s);
		if (!take(s, ':') || !scan_value(s))
			return false;
	} while (take(s, ','));
	return take(s, '}');
}

static bool scan_array(struct scanner *s)
{
	skip_space(s);
	if (take(s, ']'))
		return true;
	do {
		if (!scan_value(s))
			return false;
	} while (take(s, ','));
	return take(s, ']');
}

static bool scan_word(struct scanner *s, const char *word)
{
	size_t length = strlen(word);

	if ((size_t)(s->end - s->at) < length || memcmp(s->at, word, length) != 0)
		return false;
	s->at += length;
	return true;
}

static bool scan_value(struct scanner *s)
{
	bool good;

	if (++s->values > JSON_VALUES_MAX || s->depth == JSON_DEPTH_MAX)
		return false;
	s->depth++;
	skip_space(s);
	if (take(s, '{'))
		good = scan_object(s);
	else if (take(s, '['))
		good = scan_array(s);
	else if (s->at < s->end && *s->at == '"')
		good = scan_string(s);
	else if (scan_word(s, "true") || scan_word(s, "false") || scan_word(s, "null"))
		good = true;
	else
		good = scan_number(s);
	skip_space(s);
	s->depth--;
	return good;
}

/* NOLINTEND(misc-no-recursion) */

/* Bounded by JSON_VALUES_MAX and JSON_DEPTH_MAX, which the scan has enforced. */
/* NOLINTNEXTLINE(misc-no-recursion): no deeper than JSON_DEPTH_MAX */
static bool has_duplicates(const cJSON *value)
{
	for (const cJSON *member = value->child; member != NULL; member = member->next) {
		for (const cJSON *later = member->next; later != NULL && cJSON_IsObject(value);
		     later = later->next)
			if (strcmp(member->string, later->string) == 0)
				return true;
		if (has_duplicates(member))
			return true;
	}
	return false;
}

enum json_result json_parse(const char *text, size_t length, cJSON **object)
{
	struct scanner s = { .at = (const unsigned char *)text,
			     .end = (const unsigned char *)text + length };
	_cleanup_json_ cJSON *parsed = NULL;

	*object = NULL;
	if (!scan_value(&s) || s.at != s.end)
		return JSON_MALFORMED;
	parsed = cJSON_ParseWithLength(text, length);
	if (parsed == NULL)
		return JSON_NO_MEMORY;
	if (!cJSON_IsObject(parsed))
		return JSON_MALFORMED;
	if (has_duplicates(parsed))
		return JSON_DUPLICATE_MEMBER;
	*object = parsed;
	parsed = NULL;
	return JSON_OK;
}

const cJSON *json_member(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

const char *json_string(const cJSON *object, const char *name)
{
	return cJSON_GetStringValue(json_member(object, name));
}

bool json_integer(const cJSON *object, const char *name, int64_t *value)
{
	const cJSON *member = json_member(object, name);

	if (!cJSON_IsNumber(member) || !(member->valuedouble >= 0) ||
	    member->valuedouble > JSON_INTEGER_MAX)
		return false;
	*value = (int64_t)member->valuedouble;
	return (double)*value == member->valuedouble;
}
