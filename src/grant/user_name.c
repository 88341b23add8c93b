/* SPDX-License-Identifier: Apache-2.0 */
/* Which Linux users a grant can be for. */
#include <string.h>

#include "grant/grant.h"

bool grant_user_is_valid(const char *user)
{
	size_t length = strlen(user);

	return length > 0 && length < GRANT_USER_SIZE && user[0] != '-' && user[0] != '.' &&
	       strspn(user,
		      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._@$+-") ==
		       length;
}
