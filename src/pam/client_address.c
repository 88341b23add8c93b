/* SPDX-License-Identifier: Apache-2.0 */
/* The address that a login comes from, for the journal and the receipt. */
#include "pam/client_address.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/network.h"

/* Copy the first word if it is an address. */
static bool take_address(const char *text, char address[CLIENT_ADDRESS_SIZE])
{
	const size_t length = text == NULL ? 0 : strcspn(text, " ");

	if (length == 0 || length >= CLIENT_ADDRESS_SIZE)
		return false;
	snprintf(address, CLIENT_ADDRESS_SIZE, "%.*s", (int)length, text);
	return network_is_client(address);
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
