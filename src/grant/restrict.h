/* SPDX-License-Identifier: Apache-2.0 */
/* The `restrict` claim: what a one-time key may not do. */
#ifndef EXC_GRANT_RESTRICT_H
#define EXC_GRANT_RESTRICT_H

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>

#include "base/network.h"
#include "grant/verdict.h"

#define RESTRICT_SOURCES_MAX 16
#define RESTRICT_COMMAND_SIZE 1025
/* All sources with a comma or the NUL behind each */
#define RESTRICT_SOURCES_SIZE (RESTRICT_SOURCES_MAX * NETWORK_TEXT_SIZE)

struct restrictions {
	size_t source_count;
	char sources[RESTRICT_SOURCES_MAX][NETWORK_TEXT_SIZE]; /* as network_canonical() has them */
	bool has_command;
	char command[RESTRICT_COMMAND_SIZE];
	bool no_pty;
	bool no_port_forwarding;
	bool no_agent_forwarding;
	bool no_x11_forwarding;
};

/* Read the claim; NULL means that it is absent and nothing is restricted. Anything that sshd could
 * not be made to enforce (an unknown member, a source that is not a network, a command that
 * authorized_keys cannot hold) is GRANT_UNSUPPORTED_RESTRICTION: refused, not loosened. */
enum grant_verdict restrict_parse(const cJSON *claim, struct restrictions *restrictions);

/* The sources, separated by commas; empty without any. */
void restrict_sources_print(const struct restrictions *restrictions,
			    char text[RESTRICT_SOURCES_SIZE]);

#endif
