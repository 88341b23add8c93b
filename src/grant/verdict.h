/* SPDX-License-Identifier: Apache-2.0 */
/* Why a grant is valid or not: one value and one stable name for every reason. */
#ifndef EXC_GRANT_VERDICT_H
#define EXC_GRANT_VERDICT_H

#include "base/ssh_key.h"

/* The journal, the tests and exc-instance-connect(1) use these names; never rename one. */
#define GRANT_VERDICTS(X)                                                                          \
	X(GRANT_OK, "ok")                                                                          \
	X(GRANT_TOO_LARGE, "too_large")                                                            \
	X(GRANT_BAD_ENCODING, "bad_encoding")                                                      \
	X(GRANT_BAD_JSON, "bad_json")                                                              \
	X(GRANT_DUPLICATE_MEMBER, "duplicate_member")                                              \
	X(GRANT_BAD_HEADER, "bad_header")                                                          \
	X(GRANT_WRONG_TYPE, "wrong_type")                                                          \
	X(GRANT_CRITICAL_HEADER, "critical_header")                                                \
	X(GRANT_ALGORITHM_NOT_ALLOWED, "algorithm_not_allowed")                                    \
	X(GRANT_ALGORITHM_UNAVAILABLE, "algorithm_unavailable")                                    \
	X(GRANT_WRONG_ALGORITHM, "wrong_algorithm")                                                \
	X(GRANT_UNKNOWN_KEY, "unknown_key")                                                        \
	X(GRANT_UNTRUSTED_CHAIN, "untrusted_chain")                                                \
	X(GRANT_SIGNER_NOT_ALLOWED, "signer_not_allowed")                                          \
	X(GRANT_STAPLE_MISSING, "staple_missing")                                                  \
	X(GRANT_STAPLE_MALFORMED, "staple_malformed")                                              \
	X(GRANT_STAPLE_OTHER_CERTIFICATE, "staple_other_certificate")                              \
	X(GRANT_STAPLE_BAD_SIGNATURE, "staple_bad_signature")                                      \
	X(GRANT_STAPLE_EXPIRED, "staple_expired")                                                  \
	X(GRANT_STAPLE_NOT_GOOD, "staple_not_good")                                                \
	X(GRANT_SIGNER_REVOKED, "signer_revoked")                                                  \
	X(GRANT_BAD_SIGNATURE, "bad_signature")                                                    \
	X(GRANT_BAD_CLAIM, "bad_claim")                                                            \
	X(GRANT_WRONG_INSTANCE, "wrong_instance")                                                  \
	X(GRANT_WRONG_USER, "wrong_user")                                                          \
	X(GRANT_ISSUED_IN_FUTURE, "issued_in_future")                                              \
	X(GRANT_NOT_YET_VALID, "not_yet_valid")                                                    \
	X(GRANT_EXPIRED, "expired")                                                                \
	X(GRANT_LIFETIME_TOO_LONG, "lifetime_too_long")                                            \
	X(GRANT_ISSUED_BEFORE_BOOT, "issued_before_boot")                                          \
	X(GRANT_ISSUED_BEFORE_LEDGER, "issued_before_ledger")                                      \
	X(GRANT_BAD_SSH_KEY, "bad_ssh_key")                                                        \
	X(GRANT_KEY_TYPE_NOT_ALLOWED, "key_type_not_allowed")                                      \
	X(GRANT_WEAK_KEY, "weak_key")                                                              \
	X(GRANT_WRONG_FINGERPRINT, "wrong_fingerprint")                                            \
	X(GRANT_UNSUPPORTED_RESTRICTION, "unsupported_restriction")                                \
	X(GRANT_WRONG_NONCE, "wrong_nonce")                                                        \
	X(GRANT_TIME_MISSING, "time_missing")                                                      \
	X(GRANT_NO_MEMORY, "no_memory")

enum grant_verdict {
#define GRANT_VERDICT_VALUE(value, name) value,
	GRANT_VERDICTS(GRANT_VERDICT_VALUE)
#undef GRANT_VERDICT_VALUE
};

/* The stable name; a string constant, never NULL. */
const char *grant_verdict_name(enum grant_verdict verdict);

/* What a result of ssh_key_parse() means for the key's grant. */
enum grant_verdict grant_verdict_of_ssh_key(enum ssh_key_result result);

#endif
