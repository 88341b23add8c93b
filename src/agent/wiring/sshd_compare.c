/* SPDX-License-Identifier: Apache-2.0 */
/* Did anything but our two settings of sshd's change, for anybody? */
#include "agent/wiring/sshd_compare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Characters of a line of sshd -T that a message has */
#define LINE_SHOWN 128

struct asking {
	const struct sshd *sshd;
	struct sshd_views *views;
	char *why;
	size_t size;
};

/* Add the view of one account; true, to end the search, if there is no memory for it. */
static bool add_view(const char *user, void *context)
{
	const struct asking *asking = context;
	struct sshd_views *views = asking->views;
	struct sshd_effective effective;
	const unsigned int i = views->count;

	if (!sshd_ask(asking->sshd, user, &effective, asking->why, asking->size))
		return false;
	snprintf(views->of[i].user, sizeof views->of[i].user, "%s", user == NULL ? "" : user);
	views->of[i].has_host_keys = effective.has_host_keys;
	views->of[i].text = strdup(effective.text);
	if (views->of[i].text == NULL) {
		snprintf(asking->why, asking->size, "not enough memory");
		return true;
	}
	views->count++;
	return false;
}

bool sshd_views_ask(const struct sshd *sshd, struct sshd_views *views, char *why, size_t size)
{
	struct asking asking = { sshd, views, why, size };

	views->count = 0;
	return !add_view(NULL, &asking) && views->count == 1 &&
	       !sshd_any_account(add_view, &asking);
}

void sshd_views_forget(struct sshd_views *views)
{
	for (unsigned int i = 0; i < views->count; i++)
		free(views->of[i].text);
	views->count = 0;
}

/* Does the text go on with this keyword? Newer versions of sshd print capitals. */
static bool has_keyword(const char *text, const char *keyword)
{
	const size_t length = strlen(keyword);

	return strncasecmp(text, keyword, length) == 0 && text[length] == ' ';
}

/* The first line from here on that has to be the same. Bounded by SSHD_OUTPUT_SIZE. */
static const char *skip_ours(const char *text, bool has_host_keys)
{
	while (has_keyword(text, "authorizedkeyscommand") ||
	       has_keyword(text, "authorizedkeyscommanduser") ||
	       (!has_host_keys && has_keyword(text, "hostkey"))) {
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	return text;
}

static int shown(const char *line)
{
	const size_t length = strcspn(line, "\n");

	return length < LINE_SHOWN ? (int)length : LINE_SHOWN;
}

/* Compare line by line: sshd prints its settings in one order. */
static bool is_same(const char *before, const char *after, bool has_host_keys, const char *user,
		    char *why, size_t size)
{
	/* Bounded by SSHD_OUTPUT_SIZE */
	for (;;) {
		size_t length;

		before = skip_ours(before, has_host_keys);
		after = skip_ours(after, has_host_keys);
		length = strcspn(before, "\n");
		if (length != strcspn(after, "\n") || strncmp(before, after, length) != 0)
			break;
		if (before[length] == '\0' || after[length] == '\0')
			return before[length] == after[length];
		before += length + 1;
		after += length + 1;
	}
	snprintf(why, size, "another setting changes with it%s%s: \"%.*s\" becomes \"%.*s\"",
		 user[0] == '\0' ? "" : ", for ", user, shown(before), before, shown(after), after);
	return false;
}

bool sshd_views_same(const struct sshd_views *before, const struct sshd *sshd, char *why,
		     size_t size)
{
	struct sshd_effective now;

	for (unsigned int i = 0; i < before->count; i++) {
		const char *user = before->of[i].user;

		if (!sshd_ask(sshd, user[0] == '\0' ? NULL : user, &now, why, size))
			return false;
		if (!is_same(before->of[i].text, now.text,
			     before->of[i].has_host_keys && now.has_host_keys, user, why, size))
			return false;
	}
	return true;
}
