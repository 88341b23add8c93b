/* SPDX-License-Identifier: Apache-2.0 */
/* The `restrict` claim: what a one-time key may not do. */
#include "grant/restrict.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"

static bool parse_sources(const cJSON *value, struct restrictions *restrictions)
{
	const cJSON *element;

	if (!cJSON_IsArray(value) || value->child == NULL)
		return false;
	cJSON_ArrayForEach(element, value)
	{
		if (restrictions->source_count == RESTRICT_SOURCES_MAX ||
		    !cJSON_IsString(element) ||
		    !network_canonical(element->valuestring, false,
				       restrictions->sources[restrictions->source_count]))
			return false;
		restrictions->source_count++;
	}
	return true;
}

/* authorized_keys ends an option at a quote and knows one escape, \" : a command whose last
 * character is a backslash would swallow the closing quote, and control characters would end the
 * line, so neither can be written. */
static bool parse_command(const cJSON *value, struct restrictions *restrictions)
{
	const char *text = cJSON_GetStringValue(value);
	size_t length = text == NULL ? 0 : strlen(text);

	if (length == 0 || length >= RESTRICT_COMMAND_SIZE || text[length - 1] == '\\')
		return false;
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			return false;
	memcpy(restrictions->command, text, length + 1);
	restrictions->has_command = true;
	return true;
}

static bool parse_flag(const cJSON *value, bool *forbidden)
{
	*forbidden = cJSON_IsFalse(value);
	return cJSON_IsBool(value);
}

static bool parse_member(const cJSON *member, struct restrictions *restrictions)
{
	const char *name = member->string;

	if (strcmp(name, "source") == 0)
		return parse_sources(member, restrictions);
	if (strcmp(name, "command") == 0)
		return parse_command(member, restrictions);
	if (strcmp(name, "pty") == 0)
		return parse_flag(member, &restrictions->no_pty);
	if (strcmp(name, "port_forwarding") == 0)
		return parse_flag(member, &restrictions->no_port_forwarding);
	if (strcmp(name, "agent_forwarding") == 0)
		return parse_flag(member, &restrictions->no_agent_forwarding);
	if (strcmp(name, "x11_forwarding") == 0)
		return parse_flag(member, &restrictions->no_x11_forwarding);
	return false;
}

enum grant_verdict restrict_parse(const cJSON *claim, struct restrictions *restrictions)
{
	const cJSON *member;

	memset(restrictions, 0, sizeof *restrictions);
	if (claim == NULL)
		return GRANT_OK;
	if (!cJSON_IsObject(claim))
		return GRANT_UNSUPPORTED_RESTRICTION;
	cJSON_ArrayForEach(
		member,
		claim) if (!parse_member(member,
					 restrictions)) return GRANT_UNSUPPORTED_RESTRICTION;
	return GRANT_OK;
}

void restrict_sources_print(const struct restrictions *restrictions,
			    char text[RESTRICT_SOURCES_SIZE])
{
	size_t length = 0;

	text[0] = '\0';
	for (size_t i = 0; i < restrictions->source_count; i++)
		length += (size_t)snprintf(text + length, RESTRICT_SOURCES_SIZE - length, "%s%s",
					   i == 0 ? "" : ",", restrictions->sources[i]);
}
