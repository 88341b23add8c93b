/* SPDX-License-Identifier: Apache-2.0 */
/* The list of pushed keys that EC2's metadata service has for one user, block by block. */
#ifndef EXC_EC2_PUSHED_LIST_H
#define EXC_EC2_PUSHED_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "grant/grant.h"
#include "base/ssh_key.h"
#include "grant/verdict.h"

/* Bytes of the list, and blocks of it that are read: room for 10,000 usual ones */
#define BLOCKS_BYTES_MAX (16 * 1024 * 1024)
#define BLOCKS_MAX 16384
/* Bytes of one line without its line feed, and lines of one block */
#define BLOCK_LINE_MAX 8192
#define BLOCK_LINES_MAX 64
/* An instance's id and its NUL */
#define BLOCK_INSTANCE_SIZE 65

/* A position in the list; private to pushed_list.c. Begin with `at`, `left` set. */
struct blocks {
	const char *at; /* borrowed */
	size_t left;
	unsigned int count;
};

/* Lines `#Name=value`, the key, and a signature in base64. */
struct block {
	/* GRANT_OK, or why it cannot be read: GRANT_BAD_ENCODING (a NUL, a carriage return except
	 * at the end of the key, a line or a block that is too long), GRANT_DUPLICATE_MEMBER (two
	 * timestamps, or two instances), GRANT_BAD_CLAIM (one of them is missing or malformed), or
	 * as grant_verdict_of_ssh_key().
	 */
	enum grant_verdict verdict;
	const char *hint; /* what to look at, a constant; NULL: the verdict tells all */
	const char *signed_text; /* all lines down to the key's, line feeds included; borrowed */
	size_t signed_length;
	const char *signature; /* lines of base64; borrowed */
	size_t signature_length;
	int64_t expires; /* seconds since 1970 */
	char instance[BLOCK_INSTANCE_SIZE];
	char caller[GRANT_CALLER_SIZE]; /* empty when it is missing or not printable ASCII */
	char request_id[GRANT_REQUEST_ID_SIZE]; /* the same */
	struct ssh_key key;
	char fingerprint[FINGERPRINT_SIZE]; /* empty when no key could be read */
};

/* Read the next block. False at the end of the list, or after BLOCKS_MAX. */
bool blocks_next(struct blocks *blocks, struct block *block);

#endif
