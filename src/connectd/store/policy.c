/* SPDX-License-Identifier: Apache-2.0 */
/* IAM policy documents: parse one, and find the statement that decides. No store, no clock. */
#include "connectd/store/policy.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"

static bool say(char *error, const char *what, int statement)
{
	if (statement < 0)
		snprintf(error, POLICY_ERROR_SIZE, "%s", what);
	else
		snprintf(error, POLICY_ERROR_SIZE, "statement %d: %s", statement + 1, what);
	return false;
}

static bool has_only(const cJSON *object, const char *const *names, size_t count)
{
	const cJSON *member;

	cJSON_ArrayForEach(member, object)
	{
		size_t i = 0;

		while (i < count && strcmp(names[i], member->string) != 0)
			i++;
		if (i == count)
			return false;
	}
	return true;
}

static bool is_pattern(const cJSON *value)
{
	const char *text = cJSON_GetStringValue(value);

	return text != NULL && strlen(text) <= POLICY_PATTERN_MAX;
}

/* A text, or an array of texts */
static bool are_patterns(const cJSON *value)
{
	const cJSON *element;

	if (!cJSON_IsArray(value))
		return is_pattern(value);
	if (cJSON_GetArraySize(value) > POLICY_PATTERNS_MAX)
		return false;
	cJSON_ArrayForEach(element, value)
	{
		if (!is_pattern(element))
			return false;
	}
	return true;
}

static bool is_statement(const cJSON *statement, int number, char *error)
{
	static const char *const names[] = { "Sid", "Effect", "Action", "Resource", "Condition" };
	const cJSON *sid = json_member(statement, "Sid");
	const cJSON *condition = json_member(statement, "Condition");
	const char *effect = json_string(statement, "Effect");

	if (!cJSON_IsObject(statement))
		return say(error, "it is not an object", number);
	if (!has_only(statement, names, sizeof names / sizeof names[0]))
		return say(error,
			   "only Sid, Effect, Action, Resource and Condition are allowed here",
			   number);
	if (sid != NULL && (!is_pattern(sid) || strlen(sid->valuestring) > POLICY_SID_MAX))
		return say(error, "Sid must be a short text", number);
	if (effect == NULL || (strcasecmp(effect, "Allow") != 0 && strcasecmp(effect, "Deny") != 0))
		return say(error, "Effect must be Allow or Deny", number);
	if (!are_patterns(json_member(statement, "Action")))
		return say(error, "Action must be a text or a list of up to 512", number);
	if (!are_patterns(json_member(statement, "Resource")))
		return say(error, "Resource must be a text or a list of up to 512", number);
	if (condition != NULL && !cJSON_IsObject(condition))
		return say(error, "Condition must be an object", number);
	return true;
}

bool policy_is_valid(const cJSON *document, char error[POLICY_ERROR_SIZE])
{
	static const char *const names[] = { "Version", "Statements" };
	const cJSON *version = json_member(document, "Version");
	const cJSON *statements = json_member(document, "Statements");
	const cJSON *statement;
	int number = 0;

	if (!cJSON_IsObject(document) || !has_only(document, names, 2))
		return say(error,
			   "it must be an object with Version and Statements and nothing else", -1);
	if (version != NULL && !is_pattern(version))
		return say(error, "Version must be a short text", -1);
	if (!cJSON_IsArray(statements) || cJSON_GetArraySize(statements) > POLICY_STATEMENTS_MAX)
		return say(error, "Statements must be a list of up to 64", -1);
	cJSON_ArrayForEach(statement, statements)
	{
		if (!is_statement(statement, number++, error))
			return false;
	}
	return true;
}

static bool matches(const char *pattern, const char *text)
{
	size_t length = strlen(pattern);

	if (length > 0 && pattern[length - 1] == '*')
		return strncasecmp(pattern, text, length - 1) == 0;
	return length > 0 && strcasecmp(pattern, text) == 0;
}

static bool any_matches(const cJSON *patterns, const char *text)
{
	const cJSON *pattern;

	if (!cJSON_IsArray(patterns))
		return matches(patterns->valuestring, text);
	/* Bounded by POLICY_PATTERNS_MAX */
	cJSON_ArrayForEach(pattern, patterns)
	{
		if (matches(pattern->valuestring, text))
			return true;
	}
	return false;
}

/* What one statement says about this. */
static enum policy_effect ask(const cJSON *statement, const char *action, const char *resource)
{
	const cJSON *condition = json_member(statement, "Condition");
	bool denies = strcasecmp(json_string(statement, "Effect"), "Deny") == 0;

	if (!any_matches(json_member(statement, "Action"), action) ||
	    !any_matches(json_member(statement, "Resource"), resource))
		return POLICY_SILENT;
	if (denies)
		return POLICY_DENY;
	/* {} requires nothing. */
	return condition != NULL && condition->child != NULL ? POLICY_SILENT : POLICY_ALLOW;
}

static void decide(struct policy_decision *decision, enum policy_effect effect, const char *name,
		   int statement, const char *sid)
{
	/* The first that allows, or the first that denies, is the one to name. */
	if (effect <= decision->effect)
		return;
	*decision = (struct policy_decision){ effect, name, statement, sid };
}

void policy_evaluate(struct policy_decision *decision, const char *name, const cJSON *document,
		     const char *action, const char *resource)
{
	char error[POLICY_ERROR_SIZE];
	const cJSON *statement;
	int number = 0;

	if (!policy_is_valid(document, error)) {
		decide(decision, POLICY_DENY, name, -1, NULL);
		return;
	}
	/* An empty action or resource means nothing. */
	if (action[0] == '\0' || resource[0] == '\0')
		return;
	cJSON_ArrayForEach(statement, json_member(document, "Statements"))
	{
		decide(decision, ask(statement, action, resource), name, number++,
		       json_string(statement, "Sid"));
	}
}
