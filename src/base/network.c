/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses and networks in CIDR notation (RFC 4632, RFC 4291 section 2.3). */
#include "base/network.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define PREFIX_DIGITS_MAX 3

/* Names of network interfaces, as sshd writes them behind an IPv6 address */
static const char scope_characters[] =
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:_-";

static unsigned int family_bits(int family)
{
	return family == AF_INET ? 32 : 128;
}

/* Decimal without sign, spaces or leading zeros, up to `max` */
static bool parse_prefix(const char *text, unsigned int max, unsigned int *prefix)
{
	size_t length = strlen(text);

	if (length == 0 || length > PREFIX_DIGITS_MAX || (text[0] == '0' && length > 1))
		return false;
	*prefix = 0;
	for (size_t i = 0; i < length; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		*prefix = *prefix * 10 + (unsigned int)(text[i] - '0');
	}
	return *prefix <= max;
}

static bool bit_is_set(const struct network *network, unsigned int bit)
{
	return (network->bytes[bit / 8] >> (7 - bit % 8) & 1) != 0;
}

bool network_parse(const char *text, struct network *network)
{
	const char *slash = strchr(text, '/');
	size_t length = slash == NULL ? strlen(text) : (size_t)(slash - text);
	char address[INET6_ADDRSTRLEN];

	if (length == 0 || length >= sizeof address)
		return false;
	memcpy(address, text, length);
	address[length] = '\0';
	network->family = strchr(address, ':') == NULL ? AF_INET : AF_INET6;
	network->prefix = family_bits(network->family);
	if (inet_pton(network->family, address, network->bytes) != 1 ||
	    (slash != NULL && !parse_prefix(slash + 1, network->prefix, &network->prefix)))
		return false;
	for (unsigned int bit = network->prefix; bit < family_bits(network->family); bit++)
		if (bit_is_set(network, bit))
			return false;
	return true;
}

void network_print(const struct network *network, bool bare, char text[NETWORK_TEXT_SIZE])
{
	char address[INET6_ADDRSTRLEN];

	inet_ntop(network->family, network->bytes, address, sizeof address);
	if (bare && network->prefix == family_bits(network->family))
		snprintf(text, NETWORK_TEXT_SIZE, "%s", address);
	else
		snprintf(text, NETWORK_TEXT_SIZE, "%s/%u", address, network->prefix);
}

bool network_canonical(const char *text, bool bare, char canonical[NETWORK_TEXT_SIZE])
{
	struct network network;

	if (!network_parse(text, &network))
		return false;
	network_print(&network, bare, canonical);
	return true;
}

bool network_contains(const struct network *outer, const struct network *inner)
{
	if (outer->family != inner->family || inner->prefix < outer->prefix)
		return false;
	for (unsigned int bit = 0; bit < outer->prefix; bit++)
		if (bit_is_set(outer, bit) != bit_is_set(inner, bit))
			return false;
	return true;
}

bool network_is_client(const char *text)
{
	unsigned char binary[sizeof(struct in6_addr)];
	char plain[NETWORK_CLIENT_SIZE];
	const char *scope = strchr(text, '%');

	if (strlen(text) >= NETWORK_CLIENT_SIZE)
		return false;
	snprintf(plain, sizeof plain, "%.*s", (int)strcspn(text, "%"), text);
	if (scope == NULL && inet_pton(AF_INET, plain, binary) == 1)
		return true;
	return inet_pton(AF_INET6, plain, binary) == 1 &&
	       (scope == NULL ||
		(scope[1] != '\0' && scope[1 + strspn(scope + 1, scope_characters)] == '\0'));
}

bool network_is_loopback(const char *address)
{
	static const struct network four = { AF_INET, { 127 }, 8 };
	static const struct network six = { AF_INET6, { [15] = 1 }, 128 };
	struct network network;

	return network_parse(address, &network) &&
	       (network_contains(&four, &network) || network_contains(&six, &network));
}
