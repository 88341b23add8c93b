/* SPDX-License-Identifier: Apache-2.0 */
/* The address that a login comes from, for the journal and the receipt. */
#ifndef EXC_PAM_CLIENT_ADDRESS_H
#define EXC_PAM_CLIENT_ADDRESS_H

#include <security/pam_modules.h>

#include "base/network.h"

#define CLIENT_ADDRESS_SIZE NETWORK_CLIENT_SIZE
/* What sshd itself writes where a connection has no address: a pipe, or vsock */
#define CLIENT_UNKNOWN "UNKNOWN"

/* From SSH_CONNECTION, which sshd gives to PAM since OpenSSH 7.9 or so, and otherwise from
 * PAM_RHOST. With UseDNS yes, PAM_RHOST is a name that the owner of the address has chosen: only an
 * address counts, otherwise the result is CLIENT_UNKNOWN. */
void client_address(pam_handle_t *pamh, char address[CLIENT_ADDRESS_SIZE]);

#endif
