/* SPDX-License-Identifier: Apache-2.0 */
/* A name that nobody can guess. */
#ifndef EXC_BASE_RANDOM_NAME_H
#define EXC_BASE_RANDOM_NAME_H

#include <stdbool.h>

/* 192 random bits in base64url (RFC 4648 section 5), and the NUL */
#define RANDOM_NAME_SIZE 33

/* Make one. It does not begin with '-'. False: there are no random numbers. */
bool make_random_name(char name[RANDOM_NAME_SIZE]);

#endif
