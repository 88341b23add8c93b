/* SPDX-License-Identifier: Apache-2.0 */
/* IAM policy documents: parse one, and find the statement that decides. No store, no clock. */
#ifndef EXC_CONNECTD_STORE_POLICY_H
#define EXC_CONNECTD_STORE_POLICY_H

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>

/* Bytes of a document, statements in it, and actions or resources of one statement */
#define POLICY_BYTES_MAX (64 * 1024)
#define POLICY_STATEMENTS_MAX 64
#define POLICY_PATTERNS_MAX 512
#define POLICY_PATTERN_MAX 256
#define POLICY_SID_MAX 128
/* The error message about a document */
#define POLICY_ERROR_SIZE 256

/* Is this a document {"Version", "Statements": [{"Sid", "Effect", "Action", "Resource",
 * "Condition"}]}? Version is a text and is ignored; Effect is Allow or Deny; Action and Resource
 * are a text or an array of texts; Sid and Condition may be absent. Other members are refused: a
 * mistyped one must not widen access. False, with `error`. */
bool policy_is_valid(const cJSON *document, char error[POLICY_ERROR_SIZE]);

/* The result of the statements so far. */
enum policy_effect {
	POLICY_SILENT, /* none matches */
	POLICY_ALLOW,
	POLICY_DENY
};

/* The decision over any number of documents. Start with { 0 }. */
struct policy_decision {
	enum policy_effect effect;
	/* What decided: the document's name, as passed, and the statement's place in it from 0 and
	 * its Sid (owned by the document, NULL without one) */
	const char *policy;
	int statement;
	const char *sid;
};

/* Evaluate one more document. A matching Deny wins over every Allow. Matching ignores case, and is
 * exact or by a `*` at the end. Conditions are not supported: a statement with one denies if it is
 * a Deny, and allows nothing. An invalid document denies everything: nobody knows what it was meant
 * to forbid. */
void policy_evaluate(struct policy_decision *decision, const char *name, const cJSON *document,
		     const char *action, const char *resource);

#endif
