/* SPDX-License-Identifier: Apache-2.0 */
/* Print the authorized_keys line of a grant (sshd(8), AUTHORIZED_KEYS FILE FORMAT). */
#ifndef EXC_GRANT_AUTHORIZED_LINE_H
#define EXC_GRANT_AUTHORIZED_LINE_H

#include <stddef.h>

#include "grant/restrict.h"
#include "base/ssh_key.h"

/* from="…", command="…" with every quote escaped, restrict and three words, the key, the line feed
 * and the NUL */
#define AUTHORIZED_LINE_SIZE                                                                       \
	(RESTRICT_SOURCES_MAX * NETWORK_TEXT_SIZE + 2 * RESTRICT_COMMAND_SIZE + 128 +              \
	 SSH_KEY_TEXT_SIZE)

/* Print one line with its line feed. Returns its length without the NUL; it always fits. */
size_t authorized_line_print(const struct ssh_key *key, const struct restrictions *restrictions,
			     char line[AUTHORIZED_LINE_SIZE]);

#endif
