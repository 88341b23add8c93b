/* SPDX-License-Identifier: Apache-2.0 */
/* The authorized_keys line of a grant: sshd reads from it what the grant says, and nothing else.
 *
 * The input is a byte that chooses the key, and the `restrict` claim. */
#include "fuzz.h"

#include <stdio.h>
#include <sys/socket.h>

#include "authorized_reader.h"
#include "base/cleanup.h"
#include "base/json.h"

static const char *const keys[] = {
	"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f",
	"sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIAABAgMEBQYHCAkKCwwNDg8Q"
	"ERITFBUWFxgZGhscHR4fAAAABHNzaDo=",
};

/* Is there a bit after the prefix? sshd lets nobody in for such a network. */
static bool has_host_bits(const struct network *network)
{
	unsigned int bits = network->family == AF_INET ? 32 : 128;

	for (unsigned int bit = network->prefix; bit < bits; bit++)
		if ((network->bytes[bit / 8] << bit % 8 & 0x80) != 0)
			return true;
	return false;
}

/* Printed and read again they are the same, and only the same contain each other. */
static void check_networks(const struct restrictions *restrictions)
{
	struct network one, other;
	char text[NETWORK_TEXT_SIZE];

	for (size_t i = 0; i < restrictions->source_count; i++) {
		must(network_parse(restrictions->sources[i], &one) && !has_host_bits(&one));
		network_print(&one, true, text);
		must(network_parse(text, &other));
		network_print(&other, false, text);
		must(strcmp(text, restrictions->sources[i]) == 0);
		for (size_t j = 0; j < i; j++) {
			must(network_parse(restrictions->sources[j], &other));
			must((network_contains(&one, &other) && network_contains(&other, &one)) ==
			     (strcmp(restrictions->sources[i], restrictions->sources[j]) == 0));
		}
	}
}

static void join_sources(const struct restrictions *restrictions, char *text)
{
	for (size_t i = 0; i < restrictions->source_count; i++)
		text += sprintf(text, "%s%s", i == 0 ? "" : ",", restrictions->sources[i]);
}

static bool is_allowed(const struct authorized_line *read, bool named)
{
	return !read->is_restricted || named;
}

static void compare(const struct authorized_line *read, const struct restrictions *restrictions,
		    const char *key)
{
	char sources[RESTRICT_SOURCES_MAX * NETWORK_TEXT_SIZE + 1] = "";

	join_sources(restrictions, sources);
	must(read->has_from == (restrictions->source_count > 0));
	must(strcmp(read->from, sources) == 0);
	must(read->has_command == restrictions->has_command);
	must(strcmp(read->command, restrictions->command) == 0);
	must(is_allowed(read, read->pty) == !restrictions->no_pty);
	must(is_allowed(read, read->port_forwarding) == !restrictions->no_port_forwarding);
	must(is_allowed(read, read->agent_forwarding) == !restrictions->no_agent_forwarding);
	must(is_allowed(read, read->x11_forwarding) == !restrictions->no_x11_forwarding);
	must(strcmp(read->key, key) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	const char *text = length == 0 ? NULL : keys[bytes[0] % (sizeof keys / sizeof keys[0])];
	_cleanup_json_ cJSON *claim = NULL;
	struct restrictions restrictions;
	char line[AUTHORIZED_LINE_SIZE];
	struct authorized_line read;
	struct ssh_key key;
	size_t printed;

	if (text == NULL || json_parse((const char *)bytes + 1, length - 1, &claim) != JSON_OK ||
	    restrict_parse(claim, &restrictions) != GRANT_OK)
		return 0;
	must(ssh_key_parse(text, &key) == SSH_KEY_OK);
	printed = authorized_line_print(&key, &restrictions, line);
	must(printed == strlen(line) && printed < sizeof line);
	must(authorized_read(line, &read));
	check_networks(&restrictions);
	compare(&read, &restrictions, text);
	return 0;
}
