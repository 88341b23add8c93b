/* SPDX-License-Identifier: Apache-2.0 */
/* Keep one-time keys in locked memory, each for the one ssh process that it was minted for. */
#ifndef EXC_CLI_KEY_AGENT_KEY_TABLE_H
#define EXC_CLI_KEY_AGENT_KEY_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Connections being opened at the same time */
#define KEY_TABLE_KEYS_MAX 256
#define KEY_SEED_BYTES 32
/* An Ed25519 public key in SSH's format: two strings, "ssh-ed25519" and 32 bytes */
#define KEY_BLOB_BYTES 51

/* A process by its pid and when it started, which no other process shares. */
struct owner {
	pid_t pid;
	uint64_t start; /* as process_read() sets it */
};

struct one_time_key {
	struct owner owner; /* pid 0: this slot is free */
	int64_t expires; /* seconds of CLOCK_BOOTTIME */
	uint8_t seed[KEY_SEED_BYTES];
	uint8_t blob[KEY_BLOB_BYTES];
};

struct key_table {
	struct one_time_key *keys; /* KEY_TABLE_KEYS_MAX slots, in no core file and, if possible,
				    * not in swap */
};

/* False without memory. */
bool key_table_make(struct key_table *table);

/* Add a copy. False when every slot is taken. */
bool key_table_add(struct key_table *table, const struct one_time_key *key);

/* The owner's key: the `skip`th of them, from 0; NULL when it has no more. */
struct one_time_key *key_table_find(const struct key_table *table, const struct owner *owner,
				    unsigned int skip);

/* Overwrite one key. */
void key_table_forget(struct one_time_key *key);

/* Forget the keys that have expired at `now`, and those whose owner has ended. Returns how many are
 * left. */
unsigned int key_table_sweep(struct key_table *table, int64_t now);

/* Overwrite and free all. */
void key_table_free(struct key_table *table);

#endif
