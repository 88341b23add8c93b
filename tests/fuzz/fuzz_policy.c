/* SPDX-License-Identifier: Apache-2.0 */
/* IAM policy documents: one that is not valid denies, a Deny cannot be outvoted, and a Condition
 * never widens what a document allows.
 *
 * The input is an action, a line feed, a resource, a line feed, and the document. */
#include "fuzz.h"

#include "connectd/store/policy.h"
#include "base/cleanup.h"
#include "base/json.h"

#define ALLOW_ALL "{\"Statements\":[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}]}"
#define DENY_ALL "{\"Statements\":[{\"Effect\":\"Deny\",\"Action\":\"*\",\"Resource\":\"*\"}]}"

struct question {
	char *action, *resource; /* owned */
};

static cJSON *parse(const char *text)
{
	cJSON *document;

	must(json_parse(text, strlen(text), &document) == JSON_OK);
	return document;
}

static enum policy_effect effect_of(const cJSON *document, const cJSON *and_also,
				    const struct question *question)
{
	struct policy_decision decision = { 0 };

	policy_evaluate(&decision, "one", document, question->action, question->resource);
	if (and_also != NULL)
		policy_evaluate(&decision, "two", and_also, question->action, question->resource);
	must(decision.effect == POLICY_SILENT || decision.policy != NULL);
	return decision.effect;
}

/* A copy of the document with a Condition in each statement */
static cJSON *with_conditions(const cJSON *document)
{
	cJSON *copy = cJSON_Duplicate(document, true), *statement;

	cJSON_ArrayForEach(statement, cJSON_GetObjectItemCaseSensitive(copy, "Statements"))
	{
		cJSON *condition = cJSON_CreateObject();

		cJSON_AddStringToObject(condition, "IpAddress", "192.0.2.1");
		cJSON_DeleteItemFromObjectCaseSensitive(statement, "Condition");
		cJSON_AddItemToObject(statement, "Condition", condition);
	}
	return copy;
}

static void check(const cJSON *document, const struct question *question)
{
	_cleanup_json_ cJSON *allow = parse(ALLOW_ALL), *deny = parse(DENY_ALL), *conditions = NULL;
	bool asks = question->action[0] != '\0' && question->resource[0] != '\0';
	enum policy_effect effect = effect_of(document, NULL, question);
	char error[POLICY_ERROR_SIZE] = "";

	if (!policy_is_valid(document, error)) {
		must(error[0] != '\0' && strlen(error) < sizeof error);
		must(effect == POLICY_DENY);
		must(effect_of(document, allow, question) == POLICY_DENY);
		return;
	}
	must(effect_of(document, allow, question) == (effect == POLICY_DENY ? POLICY_DENY
						      : asks                ? POLICY_ALLOW
									    : effect));
	must(effect_of(document, deny, question) == (asks ? POLICY_DENY : effect));
	must(effect_of(deny, document, question) == (asks ? POLICY_DENY : effect));
	must(asks || effect == POLICY_SILENT);
	conditions = with_conditions(document);
	must(effect_of(conditions, NULL, question) ==
	     (effect == POLICY_DENY ? POLICY_DENY : POLICY_SILENT));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	const uint8_t *first = length == 0 ? NULL : memchr(bytes, '\n', length), *second = NULL;
	_cleanup_free_ char *action = NULL, *resource = NULL;
	_cleanup_json_ cJSON *document = NULL;
	enum json_result result;
	size_t before;

	if (first != NULL)
		second = memchr(first + 1, '\n', length - (size_t)(first + 1 - bytes));
	if (second == NULL)
		return 0;
	before = (size_t)(second + 1 - bytes);
	result = json_parse((const char *)second + 1, length - before, &document);
	/* There is memory: this would say that cJSON refuses what our own grammar has taken. */
	must(result != JSON_NO_MEMORY);
	if (result != JSON_OK)
		return 0;
	action = fuzz_text(bytes, (size_t)(first - bytes));
	resource = fuzz_text(first + 1, (size_t)(second - first - 1));
	check(document, &(const struct question){ action, resource });
	return 0;
}
