/* SPDX-License-Identifier: Apache-2.0 */
/* The `restrict` claim: what a one-time key may not do. */
#include "grant/restrict.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "grant/json.h"

#define PREFIX_DIGITS_MAX 3

/* Decimal without sign, spaces or leading zeros, up to `max`; -1 otherwise. */
static int parse_prefix(const char *text, int max)
{
	int value = 0;
	size_t length = strlen(text);

	if (length == 0 || length > PREFIX_DIGITS_MAX || (text[0] == '0' && length > 1))
		return -1;
	for (size_t i = 0; i < length; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -1;
		value = value * 10 + (text[i] - '0');
	}
	return value > max ? -1 : value;
}

/* sshd refuses every client when a network has bits set after its prefix: refuse it here, by name.
 */
static bool host_bits_are_zero(const uint8_t *address, size_t bytes, int prefix)
{
	for (size_t bit = (size_t)prefix; bit < 8 * bytes; bit++)
		if ((address[bit / 8] >> (7 - bit % 8) & 1) != 0)
			return false;
	return true;
}

/* An address or a network in CIDR notation, printed again in its standard form. */
static bool parse_source(const char *text, char out[RESTRICT_SOURCE_SIZE])
{
	char address[INET6_ADDRSTRLEN], printed[INET6_ADDRSTRLEN];
	const char *slash = strchr(text, '/');
	size_t length = slash == NULL ? strlen(text) : (size_t)(slash - text);
	uint8_t bytes[sizeof(struct in6_addr)];
	int family, bits, prefix;

	if (length == 0 || length >= sizeof address)
		return false;
	memcpy(address, text, length);
	address[length] = '\0';
	family = strchr(address, ':') == NULL ? AF_INET : AF_INET6;
	bits = family == AF_INET ? 32 : 128;
	if (inet_pton(family, address, bytes) != 1)
		return false;
	prefix = slash == NULL ? bits : parse_prefix(slash + 1, bits);
	if (prefix < 0 || !host_bits_are_zero(bytes, (size_t)bits / 8, prefix))
		return false;
	inet_ntop(family, bytes, printed, sizeof printed);
	snprintf(out, RESTRICT_SOURCE_SIZE, "%s/%d", printed, prefix);
	return true;
}

static bool parse_sources(const cJSON *value, struct restrictions *restrictions)
{
	const cJSON *element;

	if (!cJSON_IsArray(value) || value->child == NULL)
		return false;
	cJSON_ArrayForEach(element, value)
	{
		if (restrictions->source_count == RESTRICT_SOURCES_MAX ||
		    !cJSON_IsString(element) ||
		    !parse_source(element->valuestring,
				  restrictions->sources[restrictions->source_count]))
			return false;
		restrictions->source_count++;
	}
	return true;
}

/* authorized_keys ends an option at a quote and knows one escape, \" : a command whose last
 * character is a backslash would swallow the closing quote, and control characters would end the
 * line, so neither can be spelled. */
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
