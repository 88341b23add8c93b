/* SPDX-License-Identifier: Apache-2.0 */
/* The answer that this connection has already got. */
#include "agent/answer/recall.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/config/config.h"
#include "ledger/connection.h"
#include "ledger/ledger.h"
#include "ledger/module_lock.h"

void recall_look_around(struct login_attempt *attempt)
{
	const enum single_use single_use = attempt->config->single_use;

	attempt->unknown = connection_find(attempt->ledger, &attempt->connection);
	attempt->module_spends = attempt->unknown == NULL && single_use != SINGLE_USE_CONNECTION &&
				 single_use != SINGLE_USE_NO &&
				 module_lock_is_held(attempt->ledger, attempt->connection.pid);
}

bool recall_name_key(struct login_attempt *attempt)
{
	if (!digest_hex_of_fingerprint(attempt->passed_fingerprint, attempt->key_hash))
		return false;
	snprintf(attempt->fingerprint, sizeof attempt->fingerprint, "%s",
		 attempt->passed_fingerprint);
	return true;
}

enum problem recall_obstacle(const struct login_attempt *attempt, const char **detail)
{
	*detail = attempt->unknown;
	if (attempt->unknown != NULL)
		return PROBLEM_CONNECTION_UNKNOWN;
	if (attempt->config->single_use != SINGLE_USE_PAM || attempt->module_spends)
		return PROBLEM_NONE;
	*detail = "single_use = pam, and it is not proved that PAM's module spends keys";
	return PROBLEM_MODULE_UNPROVED;
}

volatile sig_atomic_t answer_was_printed;

void answer_print(const char *text, size_t length)
{
	while (length > 0) {
		ssize_t written = write(STDOUT_FILENO, text, length);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return;
		text += written;
		length -= (size_t)written;
		answer_was_printed = length == 0;
	}
}

bool recall_print(const struct login_attempt *attempt)
{
	struct offer recalled;
	char line[AUTHORIZED_LINE_SIZE + 1];
	const char *detail;

	if (attempt->config->single_use == SINGLE_USE_NO ||
	    recall_obstacle(attempt, &detail) != PROBLEM_NONE ||
	    !ledger_recall(attempt->ledger, attempt->key_hash, attempt->user, &attempt->connection,
			   !attempt->module_spends, &recalled))
		return false;
	snprintf(line, sizeof line, "%s\n", recalled.line);
	answer_print(line, strlen(line));
	return true;
}
