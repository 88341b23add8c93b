/* SPDX-License-Identifier: Apache-2.0 */
/* The address that a login comes from, for the journal and the receipt. */
#include "pam/client_address.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Names of network interfaces, as sshd writes them behind an IPv6 address */
static const char scope_characters[] =
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:_-";

/* Copy the first word if it is an address. */
static bool take_address(const char *text, char address[CLIENT_ADDRESS_SIZE])
{
	const size_t length = text == NULL ? 0 : strcspn(text, " ");
	unsigned char binary[sizeof(struct in6_addr)];
	char plain[CLIENT_ADDRESS_SIZE];
	const char *scope;

	if (length == 0 || length >= CLIENT_ADDRESS_SIZE)
		return false;
	snprintf(address, CLIENT_ADDRESS_SIZE, "%.*s", (int)length, text);
	snprintf(plain, sizeof plain, "%.*s", (int)strcspn(address, "%"), address);
	scope = strchr(address, '%');
	if (scope == NULL && inet_pton(AF_INET, plain, binary) == 1)
		return true;
	return inet_pton(AF_INET6, plain, binary) == 1 &&
	       (scope == NULL || scope[1 + strspn(scope + 1, scope_characters)] == '\0');
}

void client_address(pam_handle_t *pamh, char address[CLIENT_ADDRESS_SIZE])
{
	const char *host = NULL;

	if (take_address(pam_getenv(pamh, "SSH_CONNECTION"), address))
		return;
	if (pam_get_item(pamh, PAM_RHOST, (const void **)&host) == PAM_SUCCESS &&
	    take_address(host, address))
		return;
	snprintf(address, CLIENT_ADDRESS_SIZE, CLIENT_UNKNOWN);
}
