/* SPDX-License-Identifier: Apache-2.0 */
/* Why a grant is valid or not: one value and one stable name for every reason. */
#include "grant/verdict.h"

const char *grant_verdict_name(enum grant_verdict verdict)
{
	switch (verdict) {
#define GRANT_VERDICT_NAME(value, name)                                                            \
	case value:                                                                                \
		return name;
		GRANT_VERDICTS(GRANT_VERDICT_NAME)
#undef GRANT_VERDICT_NAME
	}
	return "unknown";
}

enum grant_verdict grant_verdict_of_ssh_key(enum ssh_key_result result)
{
	switch (result) {
	case SSH_KEY_OK:
		return GRANT_OK;
	case SSH_KEY_TYPE_NOT_ALLOWED:
		return GRANT_KEY_TYPE_NOT_ALLOWED;
	case SSH_KEY_WEAK:
		return GRANT_WEAK_KEY;
	case SSH_KEY_MALFORMED:
		break;
	}
	return GRANT_BAD_SSH_KEY;
}
