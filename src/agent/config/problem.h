/* SPDX-License-Identifier: Apache-2.0 */
/* Why the agent could offer nothing, and what to do about it. */
#ifndef EXC_AGENT_CONFIG_PROBLEM_H
#define EXC_AGENT_CONFIG_PROBLEM_H

#include <stdbool.h>

#include "ledger/paths.h"

/* Bytes for what the code knows about a problem, such as "line 3: …" */
#define PROBLEM_DETAIL_SIZE 256

/* Value, stable name, what to do. The journal, the tests and exc-instance-connect(1) use these
 * names; never rename one. */
#define PROBLEMS(X)                                                                                    \
	X(PROBLEM_NONE, "none", "")                                                                    \
	X(PROBLEM_CONFIG_INVALID, "config_invalid",                                                    \
	  "fix " CONFIG_FILE ", see exc-instance-connect.conf(5)")                                     \
	X(PROBLEM_LEDGER_UNAVAILABLE, "ledger_unavailable",                                            \
	  "free space in /run, or run: systemd-tmpfiles --create exc-instance-connect.conf")           \
	X(PROBLEM_USER_NAME_INVALID, "user_name_invalid",                                              \
	  "one-time keys work only for names of 1 to 32 letters, digits and ._@$+-")                   \
	X(PROBLEM_TRUST_EMPTY, "trust_empty",                                                          \
	  "put the operator's public key into the trust directory as NAME.pem")                        \
	X(PROBLEM_TRUST_UNSAFE, "trust_unsafe",                                                        \
	  "the trust directory must belong to root and only root may write it: "                       \
	  "chown -R root: and chmod -R go-w")                                                          \
	X(PROBLEM_INSTANCE_UNKNOWN, "instance_unknown", "set instance_id in " CONFIG_FILE)             \
	X(PROBLEM_ENDPOINT_UNREACHABLE, "endpoint_unreachable",                                        \
	  "check metadata_url in " CONFIG_FILE " and that it can be reached from here")                \
	X(PROBLEM_ENDPOINT_TIMEOUT, "endpoint_timeout",                                                \
	  "the metadata endpoint took longer than timeout_ms; ask its operator")                       \
	X(PROBLEM_REDIRECTED, "redirected",                                                            \
	  "the metadata endpoint redirects, which is never followed; set metadata_url in " CONFIG_FILE \
	  " to the right address")                                                                     \
	X(PROBLEM_ANSWER_TOO_LARGE, "answer_too_large",                                                \
	  "that is not the metadata endpoint, or it is broken; ask its operator")                      \
	X(PROBLEM_ANSWER_MALFORMED, "answer_malformed",                                                \
	  "that is not the metadata endpoint, or it is broken; ask its operator")                      \
	X(PROBLEM_HTTP_STATUS, "http_status",                                                          \
	  "the metadata endpoint refused the request; ask its operator")                               \
	X(PROBLEM_SIGNED_TIME_INVALID, "signed_time_invalid",                                          \
	  "the endpoint's signed time does not verify, so none of its grants is accepted; "            \
	  "check the trust directory and ask the endpoint's operator")                                 \
	X(PROBLEM_CONNECTION_UNKNOWN, "connection_unknown",                                            \
	  "a key is offered only to an sshd process that can be told from others; see "                \
	  "exc-instance-connect(1), WHO ASKS")                                                         \
	X(PROBLEM_MODULE_UNPROVED, "module_unproved",                                                  \
	  "run: exc-instance-connect sshd status; or set single_use = auto in " CONFIG_FILE)           \
	X(PROBLEM_NEXT_COMMAND_FAILED, "next_command_failed",                                          \
	  "users with that command's keys cannot log in; fix it, see next_command in "                 \
	  "exc-instance-connect.conf(5)")                                                              \
	X(PROBLEM_NEXT_COMMAND_TIMEOUT, "next_command_timeout",                                        \
	  "everybody who logs in waits for it; find out why it is slow")

enum problem {
#define PROBLEM_VALUE(value, name, advice) value,
	PROBLEMS(PROBLEM_VALUE)
#undef PROBLEM_VALUE
};

/* The stable name; a string constant, never NULL. */
const char *problem_name(enum problem problem);

/* Is the endpoint to blame, so that asking again at once is pointless? */
bool problem_is_endpoints(enum problem problem);

/* What an administrator can do about it; a string constant, never NULL. */
const char *problem_advice(enum problem problem);

#endif
