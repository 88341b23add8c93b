/* SPDX-License-Identifier: Apache-2.0 */
/* The patterns of sshd_config, by sshd's own rules (ssh_config(5), PATTERNS). */
#include "agent/wiring/sshd_pattern.h"

#include <stdio.h>
#include <string.h>

#include "agent/wiring/sshd_config.h"

bool sshd_pattern_matches(const char *text, const char *pattern)
{
	const char *after_star = NULL, *retry = NULL;

	/* At most strlen(text) times strlen(pattern) steps */
	while (*text != '\0') {
		if (*pattern == '*') {
			after_star = ++pattern;
			retry = text;
		} else if (*pattern != '\0' && (*pattern == '?' || *pattern == *text)) {
			pattern++;
			text++;
		} else if (after_star != NULL) {
			/* The last star stands for one character more. */
			pattern = after_star;
			text = ++retry;
		} else {
			return false;
		}
	}
	return pattern[strspn(pattern, "*")] == '\0';
}

bool sshd_pattern_list_matches(const char *text, const char *list)
{
	char pattern[SSHD_VALUE_SIZE];
	bool found = false;

	while (*list != '\0') {
		const size_t length = strcspn(list, ",");
		const bool excludes = *list == '!';

		snprintf(pattern, sizeof pattern, "%.*s", (int)length - excludes, list + excludes);
		if (sshd_pattern_matches(text, pattern)) {
			if (excludes)
				return false;
			found = true;
		}
		list += length + (list[length] == ',');
	}
	return found;
}

enum sshd_user_match sshd_pattern_user(const char *user, const char *pattern)
{
	char name[SSHD_VALUE_SIZE];
	const size_t length = strcspn(pattern, "@");

	snprintf(name, sizeof name, "%.*s", (int)length, pattern);
	if (!sshd_pattern_matches(user, name))
		return SSHD_USER_OUTSIDE;
	return pattern[length] == '@' ? SSHD_USER_BY_ADDRESS : SSHD_USER_INSIDE;
}
