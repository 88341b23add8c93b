/* SPDX-License-Identifier: Apache-2.0 */
/* Answer what ssh asks an agent (draft-ietf-sshm-ssh-agent): to list keys and to sign. */
#ifndef EXC_CLI_KEY_AGENT_AGENT_PROTOCOL_H
#define EXC_CLI_KEY_AGENT_AGENT_PROTOCOL_H

#include "cli/key_agent/key_table.h"
#include "base/ssh_wire.h"

/* The longest message, without its length: a request to sign is a few hundred bytes, and ssh may
 * first show the host key or certificate that it has seen. */
#define AGENT_MESSAGE_BYTES_MAX 16384

/* Message numbers (section 5.1) */
#define AGENT_FAILURE 5
#define AGENT_SUCCESS 6
#define AGENT_REQUEST_IDENTITIES 11
#define AGENT_IDENTITIES_ANSWER 12
#define AGENT_SIGN_REQUEST 13
#define AGENT_SIGN_RESPONSE 14
#define AGENT_EXTENSION 27

/* Our own extension (section 4.8), by which `exc compute tunnel` hands a key over:
 * string public blob, string seed, uint32 seconds. The key is for that process's parent. */
#define AGENT_EXTENSION_KEY "one-time-key@exc"
/* How long a key is kept at most, in seconds */
#define AGENT_LIFETIME_MAX 3600

struct agent_peer {
	struct owner process; /* who asks */
	struct owner parent;
};

/* Answer one message of `length` bytes, without its length prefix, into `reply`, also without one.
 * `now` is CLOCK_BOOTTIME in seconds. A peer sees only its own keys; a key is forgotten once it has
 * signed. Unknown messages are answered with AGENT_FAILURE. */
void agent_answer(struct key_table *table, const struct agent_peer *peer, int64_t now,
		  const uint8_t *message, size_t length, struct wire_writer *reply);

#endif
