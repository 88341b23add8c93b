/* SPDX-License-Identifier: Apache-2.0 */
/* Why a grant holds or does not: one value and one stable name for every reason. */
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
