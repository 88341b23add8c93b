/* SPDX-License-Identifier: Apache-2.0 */
/* A name that nobody can guess. */
#include "base/random_name.h"

#include <stdint.h>

#include <openssl/rand.h>

#include "base/base64.h"

bool make_random_name(char name[RANDOM_NAME_SIZE])
{
	uint8_t bytes[24];

	do {
		if (RAND_bytes(bytes, sizeof bytes) != 1)
			return false;
		base64url_encode(bytes, sizeof bytes, name);
	} while (name[0] == '-'); /* it would be an option where it is an argument */
	return true;
}
