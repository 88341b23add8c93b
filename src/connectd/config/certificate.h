/* SPDX-License-Identifier: Apache-2.0 */
/* The compute API's certificate: are the files usable? */
#ifndef EXC_CONNECTD_CONFIG_CERTIFICATE_H
#define EXC_CONNECTD_CONFIG_CERTIFICATE_H

#include <stdbool.h>
#include <stddef.h>

/* Are these a chain of certificates and the private key that goes with it, both PEM? False with
 * `error` (of `size` bytes). */
bool certificate_is_usable(const char *certificate, const char *private_key, char *error,
			   size_t size);

#endif
