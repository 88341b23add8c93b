/* SPDX-License-Identifier: Apache-2.0 */
/* The patterns of sshd_config, by sshd's own rules (ssh_config(5), PATTERNS). */
#ifndef EXC_AGENT_WIRING_SSHD_PATTERN_H
#define EXC_AGENT_WIRING_SSHD_PATTERN_H

#include <stdbool.h>

/* Is `text` of this pattern, in which * stands for any characters and ? for one? Nothing else is
 * special: no brackets, no backslash, and no ! in a pattern that is not part of a list. */
bool sshd_pattern_matches(const char *text, const char *pattern);

/* Is it of this list, whose patterns are separated by commas? One that begins with ! and matches
 * excludes it, whatever the others match. */
bool sshd_pattern_list_matches(const char *text, const char *list);

/* How a user is in a list of AllowUsers or DenyUsers */
enum sshd_user_match {
	SSHD_USER_OUTSIDE,
	SSHD_USER_BY_ADDRESS, /* by USER@HOST: only from some addresses */
	SSHD_USER_INSIDE
};

/* Match one pattern of AllowUsers or DenyUsers: USER, or USER@HOST, which ends at the first @. */
enum sshd_user_match sshd_pattern_user(const char *user, const char *pattern);

#endif
