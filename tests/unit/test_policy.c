/* SPDX-License-Identifier: Apache-2.0 */
/* IAM policy documents: what they allow, what they deny, and which statement decides. */
#include "unit.h"

#include "connectd/store/policy.h"
#include "base/json.h"

#define CONNECT "compute:instance:connect"
#define INSTANCE "exc:compute:instance/42"

/* One document, one question, and the answer */
static const struct {
	const char *name, *document, *action, *resource;
	enum policy_effect effect;
} table[] = {
	{ "exact",
	  "{\"Version\":\"2012-10-17\",\"Statements\":[{\"Effect\":\"Allow\",\"Action\":\"compute:instance:connect\",\"Resource\":\"exc:compute:instance/42\"}]}",
	  CONNECT, INSTANCE, POLICY_ALLOW },
	{ "another action",
	  "{\"Version\":\"2012-10-17\",\"Statements\":[{\"Effect\":\"Allow\",\"Action\":\"compute:instance:connect\",\"Resource\":\"exc:compute:instance/42\"}]}",
	  "compute:instance:audit", INSTANCE, POLICY_SILENT },
	{ "another resource",
	  "{\"Version\":\"2012-10-17\",\"Statements\":[{\"Effect\":\"Allow\",\"Action\":\"compute:instance:connect\",\"Resource\":\"exc:compute:instance/42\"}]}",
	  CONNECT, "exc:compute:instance/43", POLICY_SILENT },
	{ "a longer resource",
	  "{\"Version\":\"2012-10-17\",\"Statements\":[{\"Effect\":\"Allow\",\"Action\":\"compute:instance:connect\",\"Resource\":\"exc:compute:instance/42\"}]}",
	  CONNECT, "exc:compute:instance/421", POLICY_SILENT },
	{ "a shorter resource",
	  "{\"Version\":\"2012-10-17\",\"Statements\":[{\"Effect\":\"Allow\",\"Action\":\"compute:instance:connect\",\"Resource\":\"exc:compute:instance/42\"}]}",
	  CONNECT, "exc:compute:instance/4", POLICY_SILENT },
	{ "a longer action",
	  "{\"Version\":\"2012-10-17\",\"Statements\":[{\"Effect\":\"Allow\",\"Action\":\"compute:instance:connect\",\"Resource\":\"exc:compute:instance/42\"}]}",
	  "compute:instance:connects", INSTANCE, POLICY_SILENT },
	{ "no statement", "{\"Version\":\"2012-10-17\",\"Statements\":[]}", CONNECT, INSTANCE,
	  POLICY_SILENT },
	{ "upper case in the policy",
	  "{\"Version\":\"2012-10-17\",\"Statements\":[{\"Effect\":\"Allow\",\"Action\":\"COMPUTE:INSTANCE:CONNECT\",\"Resource\":\"EXC:COMPUTE:INSTANCE/42\"}]}",
	  CONNECT, INSTANCE, POLICY_ALLOW },
	{ "upper case in the question",
	  "{\"Version\":\"2012-10-17\",\"Statements\":[{\"Effect\":\"Allow\",\"Action\":\"compute:instance:connect\",\"Resource\":\"exc:compute:instance/42\"}]}",
	  "COMPUTE:INSTANCE:CONNECT", "EXC:COMPUTE:INSTANCE/42", POLICY_ALLOW },
	{ "mixed case",
	  "{\"Version\":\"2012-10-17\",\"Statements\":[{\"Effect\":\"Allow\",\"Action\":\"Compute:Instance:Connect\",\"Resource\":\"EXC:compute:Instance/42\"}]}",
	  CONNECT, INSTANCE, POLICY_ALLOW },
	{ "effect in lower case",
	  "{\"Version\":\"2012-10-17\",\"Statements\":[{\"Effect\":\"allow\",\"Action\":\"compute:instance:connect\",\"Resource\":\"exc:compute:instance/42\"}]}",
	  CONNECT, INSTANCE, POLICY_ALLOW },
	{ "deny in lower case",
	  "{\"Version\":\"2012-10-17\",\"Statements\":[{\"Effect\":\"Allow\",\"Action\":\"compute:instance:connect\",\"Resource\":\"exc:compute:instance/42\"},{\"Effect\":\"deny\",\"Action\":\"compute:instance:connect\",\"Resource\":\"exc:compute:instance/42\"}]}",
	  CONNECT, INSTANCE, POLICY_DENY },
	{ "star for all actions",
	  "{\"Version\":\"2012-10-17\",\"Statements\":[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"exc:compute:instance/42\"}]}",
	  CONNECT, INSTANCE, POLICY_ALLOW },
	{ "star for all resources",
	  "{\"Version\":\"2012-10-17\",\"Statements\":[{\"Effect\":\"Allow\",\"Action\":\"compute:instance:connect\",\"Resource\":\"*\"}]}",
	  CONNECT, INSTANCE, POLICY_ALLOW },
	{ "star for all",
	  "{\"Version\":\"2012-10-17\",\"Statements\":[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}]}",
	  CONNECT, INSTANCE, POLICY_ALLOW },
	{ "star at the end of an action",
	  "{\"Version\":\"2012-10-17\",\"Statements\":[{\"Effect\":\"Allow\",\"Action\":\"compute:instance:*\",\"Resource\":\"exc:compute:instance/42\"}]}",
	  CONNECT, INSTANCE, POLICY_ALLOW },
	{ "star at the end of an action, another service",
	  "{\"Version\":\"2012-10-17\",\"Statements\":[{\"Effect\":\"Allow\",\"Action\":\"storage:*\",\"Resource\":\"exc:compute:instance/42\"}]}",
	  CONNECT, INSTANCE, POLICY_SILENT },
	{ "star after a part of a word",
	  "{\"Version\":\"2012-10-17\",\"Statements\":[{\"Effect\":\"Allow\",\"Action\":\"compute:instance:con*\",\"Resource\":\"exc:compute:instance/42\"}]}",
	  CONNECT, INSTANCE, POLICY_ALLOW },
	{ "star after the whole",
	  "{\"Version\":\"2012-10-17\",\"Statements\":[{\"Effect\":\"Allow\",\"Action\":\"compute:instance:connect*\",\"Resource\":\"exc:compute:instance/42*\"}]}",
	  CONNECT, INSTANCE, POLICY_ALLOW },
	{ "star at the end of a resource",
	  "{\"Version\":\"2012-10-17\",\"Statements\":[{\"Effect\":\"Allow\",\"Action\":\"compute:instance:connect\",\"Resource\":\"exc:compute:instance/*\"}]}",
	  CONNECT, INSTANCE, POLICY_ALLOW },
	{ "star at the end of a resource prefix",
	  "{\"Version\":\"2012-10-17\",\"Statements\":[{\"Effect\":\"Allow\",\"Action\":\"compute:instance:connect\",\"Resource\":\"exc:compute:instance/4*\"}]}",
	  CONNECT, INSTANCE, POLICY_ALLOW },
	{ "star at the end of another prefix",
	  "{\"Version\":\"2012-10-17\",\"Statements\":[{\"Effect\":\"Allow\",\"Action\":\"compute:instance:connect\",\"Resource\":\"exc:compute:instance/5*\"}]}",
	  CONNECT, INSTANCE, POLICY_SILENT },
	{ "star in upper case prefix",
	  "{\"Version\":\"2012-10-17\",\"Statements\":[{\"Effect\":\"Allow\",\"Action\":\"COMPUTE:*\",\"Resource\":\"EXC:*\"}]}",
	  CONNECT, INSTANCE, POLICY_ALLOW },
	{ "a star in the middle is a letter",
	  "{\"Version\":\"2012-10-17\",\"Statements\":[{\"Effect\":\"Allow\",\"Action\":\"compute:*:connect\",\"Resource\":\"exc:compute:instance/42\"}]}",
	  CONNECT, INSTANCE, POLICY_SILENT },
	{ "a star in front is a letter",
	  "{\"Version\":\"2012-10-17\",\"Statements\":[{\"Effect\":\"Allow\",\"Action\":\"*:connect\",\"Resource\":\"exc:compute:instance/42\"}]}",
	  CONNECT, INSTANCE, POLICY_SILENT },
	{ "a star in the middle of a resource is a letter",
	  "{\"Version\":\"2012-10-17\",\"Statements\":[{\"Effect\":\"Allow\",\"Action\":\"compute:instance:connect\",\"Resource\":\"exc:*:instance/42\"}]}",
	  CONNECT, INSTANCE, POLICY_SILENT },
	{ "two stars at the end",
	  "{\"Version\":\"2012-10-17\",\"Statements\":[{\"Effect\":\"Allow\",\"Action\":\"compute:**\",\"Resource\":\"exc:compute:instance/42\"}]}",
	  CONNECT, INSTANCE, POLICY_SILENT },
	{ "a question mark is a letter",
	  "{\"Version\":\"2012-10-17\",\"Statements\":[{\"Effect\":\"Allow\",\"Action\":\"compute:instance:connect\",\"Resource\":\"exc:compute:instance/4?\"}]}",
	  CONNECT, INSTANCE, POLICY_SILENT },
	{ "a star in the question is a letter",
	  "{\"Version\":\"2012-10-17\",\"Statements\":[{\"Effect\":\"Allow\",\"Action\":\"compute:instance:connect\",\"Resource\":\"exc:compute:instance/42\"}]}",
	  "*", "*", POLICY_SILENT },
	{ "a star in the question, for all",
	  "{\"Version\":\"2012-10-17\",\"Statements\":[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}]}",
	  "*", "*", POLICY_ALLOW },
	{ "a list of actions, the first",
	  "{\"Version\":\"2012-10-17\",\"Statements\":[{\"Effect\":\"Allow\",\"Action\":[\"compute:instance:connect\",\"compute:instance:audit\"],\"Resource\":\"exc:compute:instance/42\"}]}",
	  CONNECT, INSTANCE, POLICY_ALLOW },
	{ "a list of actions, the last",
	  "{\"Version\":\"2012-10-17\",\"Statements\":[{\"Effect\":\"Allow\",\"Action\":[\"compute:instance:audit\",\"compute:instance:connect\"],\"Resource\":\"exc:compute:instance/42\"}]}",
	  CONNECT, INSTANCE, POLICY_ALLOW },
	{ "a list of actions, none",
	  "{\"Version\":\"2012-10-17\",\"Statements\":[{\"Effect\":\"Allow\",\"Action\":[\"compute:instance:audit\",\"x\"],\"Resource\":\"exc:compute:instance/42\"}]}",
	  CONNECT, INSTANCE, POLICY_SILENT },
	{ "a list of resources",
	  "{\"Version\":\"2012-10-17\",\"Statements\":[{\"Effect\":\"Allow\",\"Action\":\"compute:instance:connect\",\"Resource\":[\"exc:compute:instance/41\",\"exc:compute:instance/42\"]}]}",
	  CONNECT, INSTANCE, POLICY_ALLOW },
	{ "a list of resources, none",
	  "{\"Version\":\"2012-10-17\",\"Statements\":[{\"Effect\":\"Allow\",\"Action\":\"compute:instance:connect\",\"Resource\":[\"exc:compute:instance/41\",\"y\"]}]}",
	  CONNECT, INSTANCE, POLICY_SILENT },
	{ "two lists match crosswise", "{\"Version\":\"2012-10-17\",\"Statements\":[{\"Effect\":\"Allow\",\"Action\":[\"a\",\"compute:instance:connect\"],\"Resource\":[\"b\",\"exc:compute:instance/42\"]}]}",
	  CONNECT, INSTANCE, POLICY_ALLOW },
	{ "an empty list of actions",
	  "{\"Version\":\"2012-10-17\",\"Statements\":[{\"Effect\":\"Allow\",\"Action\":[],\"Resource\":\"exc:compute:instance/42\"}]}",
	  CONNECT, INSTANCE, POLICY_SILENT },
	{ "an empty list of resources",
	  "{\"Version\":\"2012-10-17\",\"Statements\":[{\"Effect\":\"Allow\",\"Action\":\"compute:instance:connect\",\"Resource\":[]}]}",
	  CONNECT, INSTANCE, POLICY_SILENT },
	{ "an empty action",
	  "{\"Version\":\"2012-10-17\",\"Statements\":[{\"Effect\":\"Allow\",\"Action\":\"\",\"Resource\":\"exc:compute:instance/42\"}]}",
	  CONNECT, INSTANCE, POLICY_SILENT },
	{ "an empty resource",
	  "{\"Version\":\"2012-10-17\",\"Statements\":[{\"Effect\":\"Allow\",\"Action\":\"compute:instance:connect\",\"Resource\":\"\"}]}",
	  CONNECT, INSTANCE, POLICY_SILENT },
	{ "an empty resource in a list",
	  "{\"Version\":\"2012-10-17\",\"Statements\":[{\"Effect\":\"Allow\",\"Action\":\"compute:instance:connect\",\"Resource\":[\"\",\"exc:compute:instance/42\"]}]}",
	  CONNECT, INSTANCE, POLICY_ALLOW },
	{ "nothing is asked of a resource",
	  "{\"Version\":\"2012-10-17\",\"Statements\":[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}]}",
	  CONNECT, "", POLICY_SILENT },
	{ "nothing is asked for",
	  "{\"Version\":\"2012-10-17\",\"Statements\":[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}]}",
	  "", INSTANCE, POLICY_SILENT },
	{ "deny alone",
	  "{\"Version\":\"2012-10-17\",\"Statements\":[{\"Effect\":\"Deny\",\"Action\":\"compute:instance:connect\",\"Resource\":\"exc:compute:instance/42\"}]}",
	  CONNECT, INSTANCE, POLICY_DENY },
	{ "deny after allow",
	  "{\"Version\":\"2012-10-17\",\"Statements\":[{\"Effect\":\"Allow\",\"Action\":\"compute:instance:connect\",\"Resource\":\"exc:compute:instance/42\"},{\"Effect\":\"Deny\",\"Action\":\"compute:instance:connect\",\"Resource\":\"exc:compute:instance/42\"}]}",
	  CONNECT, INSTANCE, POLICY_DENY },
	{ "deny before allow",
	  "{\"Version\":\"2012-10-17\",\"Statements\":[{\"Effect\":\"Deny\",\"Action\":\"compute:instance:connect\",\"Resource\":\"exc:compute:instance/42\"},{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}]}",
	  CONNECT, INSTANCE, POLICY_DENY },
	{ "deny of one instance, allow of all",
	  "{\"Version\":\"2012-10-17\",\"Statements\":[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"},{\"Effect\":\"Deny\",\"Action\":\"*\",\"Resource\":\"exc:compute:instance/42\"}]}",
	  CONNECT, INSTANCE, POLICY_DENY },
	{ "deny of another instance",
	  "{\"Version\":\"2012-10-17\",\"Statements\":[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"},{\"Effect\":\"Deny\",\"Action\":\"*\",\"Resource\":\"exc:compute:instance/43\"}]}",
	  CONNECT, INSTANCE, POLICY_ALLOW },
	{ "deny of another action",
	  "{\"Version\":\"2012-10-17\",\"Statements\":[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"},{\"Effect\":\"Deny\",\"Action\":\"compute:instance:audit\",\"Resource\":\"*\"}]}",
	  CONNECT, INSTANCE, POLICY_ALLOW },
	{ "deny by a prefix",
	  "{\"Version\":\"2012-10-17\",\"Statements\":[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"},{\"Effect\":\"Deny\",\"Action\":\"compute:*\",\"Resource\":\"exc:compute:instance/4*\"}]}",
	  CONNECT, INSTANCE, POLICY_DENY },
	{ "deny in another case",
	  "{\"Version\":\"2012-10-17\",\"Statements\":[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"},{\"Effect\":\"Deny\",\"Action\":\"COMPUTE:INSTANCE:CONNECT\",\"Resource\":\"EXC:COMPUTE:INSTANCE/42\"}]}",
	  CONNECT, INSTANCE, POLICY_DENY },
	{ "deny in a list",
	  "{\"Version\":\"2012-10-17\",\"Statements\":[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"},{\"Effect\":\"Deny\",\"Action\":[\"x\",\"compute:instance:connect\"],\"Resource\":[\"y\",\"exc:compute:instance/42\"]}]}",
	  CONNECT, INSTANCE, POLICY_DENY },
	{ "deny with an empty resource denies nothing",
	  "{\"Version\":\"2012-10-17\",\"Statements\":[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"},{\"Effect\":\"Deny\",\"Action\":\"*\",\"Resource\":\"\"}]}",
	  CONNECT, INSTANCE, POLICY_ALLOW },
	{ "a condition allows nothing",
	  "{\"Version\":\"2012-10-17\",\"Statements\":[{\"Effect\":\"Allow\",\"Action\":\"compute:instance:connect\",\"Resource\":\"exc:compute:instance/42\",\"Condition\":{\"IpAddress\":{\"SourceIp\":\"192.0.2.0/24\"}}}]}",
	  CONNECT, INSTANCE, POLICY_SILENT },
	{ "a condition does not keep from denying",
	  "{\"Version\":\"2012-10-17\",\"Statements\":[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"},{\"Effect\":\"Deny\",\"Action\":\"compute:instance:connect\",\"Resource\":\"exc:compute:instance/42\",\"Condition\":{\"Bool\":{\"mfa\":\"false\"}}}]}",
	  CONNECT, INSTANCE, POLICY_DENY },
	{ "an empty condition asks for nothing",
	  "{\"Version\":\"2012-10-17\",\"Statements\":[{\"Effect\":\"Allow\",\"Action\":\"compute:instance:connect\",\"Resource\":\"exc:compute:instance/42\",\"Condition\":{}}]}",
	  CONNECT, INSTANCE, POLICY_ALLOW },
	{ "an empty condition of a deny",
	  "{\"Version\":\"2012-10-17\",\"Statements\":[{\"Effect\":\"Allow\",\"Action\":\"compute:instance:connect\",\"Resource\":\"exc:compute:instance/42\"},{\"Effect\":\"Deny\",\"Action\":\"compute:instance:connect\",\"Resource\":\"exc:compute:instance/42\",\"Condition\":{}}]}",
	  CONNECT, INSTANCE, POLICY_DENY },
	{ "a condition beside an allow without one",
	  "{\"Version\":\"2012-10-17\",\"Statements\":[{\"Effect\":\"Allow\",\"Action\":\"compute:instance:connect\",\"Resource\":\"exc:compute:instance/42\",\"Condition\":{\"x\":1}},{\"Effect\":\"Allow\",\"Action\":\"compute:instance:connect\",\"Resource\":\"exc:compute:instance/42\"}]}", CONNECT,
	  INSTANCE, POLICY_ALLOW },
	{ "a sid changes nothing",
	  "{\"Version\":\"2012-10-17\",\"Statements\":[{\"Sid\":\"AllowConnect\",\"Effect\":\"Allow\",\"Action\":\"compute:instance:connect\",\"Resource\":\"exc:compute:instance/42\"}]}",
	  CONNECT, INSTANCE, POLICY_ALLOW },
	{ "two statements for two actions",
	  "{\"Version\":\"2012-10-17\",\"Statements\":[{\"Effect\":\"Allow\",\"Action\":\"compute:instance:audit\",\"Resource\":\"exc:compute:instance/42\"},{\"Effect\":\"Allow\",\"Action\":\"compute:instance:connect\",\"Resource\":\"exc:compute:instance/42\"}]}",
	  CONNECT, INSTANCE, POLICY_ALLOW },
	{ "allow in pieces does not add up",
	  "{\"Version\":\"2012-10-17\",\"Statements\":[{\"Effect\":\"Allow\",\"Action\":\"compute:instance:connect\",\"Resource\":\"x\"},{\"Effect\":\"Allow\",\"Action\":\"y\",\"Resource\":\"exc:compute:instance/42\"}]}",
	  CONNECT, INSTANCE, POLICY_SILENT },
	{ "no version",
	  "{\"Statements\":[{\"Effect\":\"Allow\",\"Action\":\"compute:instance:connect\",\"Resource\":\"exc:compute:instance/42\"}]}",
	  CONNECT, INSTANCE, POLICY_ALLOW },
	{ "another version",
	  "{\"Version\":\"2026-01-01\",\"Statements\":[{\"Effect\":\"Allow\",\"Action\":\"compute:instance:connect\",\"Resource\":\"exc:compute:instance/42\"}]}",
	  CONNECT, INSTANCE, POLICY_ALLOW },
	{ "a member that is not known denies",
	  "{\"Statements\":[{\"Effect\":\"Allow\",\"Action\":\"compute:instance:connect\",\"Resource\":\"exc:compute:instance/42\",\"NotAction\":\"x\"}]}",
	  CONNECT, INSTANCE, POLICY_DENY },
	{ "an effect that is not known denies",
	  "{\"Version\":\"2012-10-17\",\"Statements\":[{\"Effect\":\"Permit\",\"Action\":\"compute:instance:connect\",\"Resource\":\"exc:compute:instance/42\"}]}",
	  CONNECT, INSTANCE, POLICY_DENY },
	{ "a statement without a resource denies",
	  "{\"Statements\":[{\"Effect\":\"Allow\",\"Action\":\"*\"}]}", CONNECT, INSTANCE,
	  POLICY_DENY },
	{ "a statement without an action denies",
	  "{\"Statements\":[{\"Effect\":\"Allow\",\"Resource\":\"*\"}]}", CONNECT, INSTANCE,
	  POLICY_DENY },
	{ "a number as resource denies",
	  "{\"Statements\":[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":7}]}", CONNECT,
	  INSTANCE, POLICY_DENY },
	{ "a number in a list denies",
	  "{\"Statements\":[{\"Effect\":\"Allow\",\"Action\":[\"*\",7],\"Resource\":\"*\"}]}",
	  CONNECT, INSTANCE, POLICY_DENY },
	{ "a condition that is a text denies",
	  "{\"Statements\":[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":\"x\"}]}",
	  CONNECT, INSTANCE, POLICY_DENY },
	{ "statements under another name deny",
	  "{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"compute:instance:connect\",\"Resource\":\"exc:compute:instance/42\"}]}",
	  CONNECT, INSTANCE, POLICY_DENY },
	{ "statements that are no list deny",
	  "{\"Statements\":{\"Effect\":\"Allow\",\"Action\":\"compute:instance:connect\",\"Resource\":\"exc:compute:instance/42\"}}",
	  CONNECT, INSTANCE, POLICY_DENY },
	{ "a statement that is a text denies", "{\"Statements\":[\"Allow\"]}", CONNECT, INSTANCE,
	  POLICY_DENY },
};

static void every_question_of_the_table_has_its_answer(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		_cleanup_json_ cJSON *document = cJSON_Parse(table[i].document);
		struct policy_decision decision = { 0 };

		assert_non_null(document);
		policy_evaluate(&decision, "p", document, table[i].action, table[i].resource);
		if (decision.effect != table[i].effect)
			fail_msg("%s: %d instead of %d", table[i].name, (int)decision.effect,
				 (int)table[i].effect);
	}
}

static void the_statement_that_decides_is_named(void **state)
{
	_cleanup_json_ cJSON *first = cJSON_Parse(
		"{\"Statements\":[{\"Effect\":\"Allow\",\"Action\":\"x\",\"Resource\":\"*\"},"
		"{\"Sid\":\"Yes\",\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"},"
		"{\"Sid\":\"Too\",\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}]}");
	_cleanup_json_ cJSON *second = cJSON_Parse(
		"{\"Statements\":[{\"Sid\":\"No\",\"Effect\":\"Deny\",\"Action\":\"*\",\"Resource\":\"*\"}]}");
	struct policy_decision decision = { 0 };

	(void)state;
	policy_evaluate(&decision, "first", first, CONNECT, INSTANCE);
	assert_int_equal(decision.effect, POLICY_ALLOW);
	assert_string_equal(decision.policy, "first");
	assert_int_equal(decision.statement, 1);
	assert_string_equal(decision.sid, "Yes");
	policy_evaluate(&decision, "second", second, CONNECT, INSTANCE);
	policy_evaluate(&decision, "again", first, CONNECT, INSTANCE);
	assert_int_equal(decision.effect, POLICY_DENY);
	assert_string_equal(decision.policy, "second");
	assert_int_equal(decision.statement, 0);
	assert_string_equal(decision.sid, "No");
}

static void what_is_wrong_with_a_document_is_said(void **state)
{
	static const struct {
		const char *document, *says;
	} cases[] = {
		{ "[]", "it must be an object" },
		{ "{}", "Statements must be a list" },
		{ "{\"Statements\":[],\"Id\":1}", "and nothing else" },
		{ "{\"Version\":1,\"Statements\":[]}", "Version must be a short text" },
		{ "{\"Statements\":[{\"Effect\":\"Maybe\",\"Action\":\"*\",\"Resource\":\"*\"}]}",
		  "statement 1: Effect must be Allow or Deny" },
		{ "{\"Statements\":[{\"Effect\":\"Deny\",\"Action\":\"*\",\"Resource\":\"*\"},"
		  "{\"Effect\":\"Deny\",\"Action\":\"*\"}]}",
		  "statement 2: Resource must be" },
	};
	char error[POLICY_ERROR_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		_cleanup_json_ cJSON *document = cJSON_Parse(cases[i].document);

		assert_non_null(document);
		assert_false(policy_is_valid(document, error));
		if (strstr(error, cases[i].says) == NULL)
			fail_msg("%s: says %s", cases[i].document, error);
	}
}

static void what_is_too_much_is_refused(void **state)
{
	_cleanup_json_ cJSON *document = cJSON_CreateObject();
	cJSON *statements = cJSON_AddArrayToObject(document, "Statements");
	char error[POLICY_ERROR_SIZE], pattern[POLICY_PATTERN_MAX + 2];
	cJSON *statement, *actions;

	(void)state;
	for (int i = 0; i <= POLICY_STATEMENTS_MAX; i++) {
		statement = cJSON_CreateObject();
		cJSON_AddStringToObject(statement, "Effect", "Allow");
		cJSON_AddStringToObject(statement, "Action", "*");
		cJSON_AddStringToObject(statement, "Resource", "*");
		assert_int_equal(policy_is_valid(document, error), true);
		cJSON_AddItemToArray(statements, statement);
	}
	assert_false(policy_is_valid(document, error));
	while (cJSON_GetArraySize(statements) > 1)
		cJSON_DeleteItemFromArray(statements, 0);
	statement = cJSON_GetArrayItem(statements, 0);
	actions = cJSON_CreateArray();
	cJSON_ReplaceItemInObject(statement, "Action", actions);
	for (int i = 0; i < POLICY_PATTERNS_MAX; i++)
		cJSON_AddItemToArray(actions, cJSON_CreateString("a"));
	assert_true(policy_is_valid(document, error));
	cJSON_AddItemToArray(actions, cJSON_CreateString("a"));
	assert_false(policy_is_valid(document, error));
	memset(pattern, 'a', sizeof pattern);
	pattern[POLICY_PATTERN_MAX] = '\0';
	cJSON_ReplaceItemInObject(statement, "Action", cJSON_CreateString(pattern));
	assert_true(policy_is_valid(document, error));
	pattern[POLICY_PATTERN_MAX] = 'a';
	pattern[POLICY_PATTERN_MAX + 1] = '\0';
	cJSON_ReplaceItemInObject(statement, "Action", cJSON_CreateString(pattern));
	assert_false(policy_is_valid(document, error));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_question_of_the_table_has_its_answer),
		cmocka_unit_test(the_statement_that_decides_is_named),
		cmocka_unit_test(what_is_wrong_with_a_document_is_said),
		cmocka_unit_test(what_is_too_much_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
