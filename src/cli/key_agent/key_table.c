/* SPDX-License-Identifier: Apache-2.0 */
/* Keep one-time keys in locked memory, each for the one ssh process that it was minted for. */
#include "cli/key_agent/key_table.h"

#include <string.h>

#include <openssl/crypto.h>

#include "base/process.h"
#include "base/secret_memory.h"

#define TABLE_BYTES (KEY_TABLE_KEYS_MAX * sizeof(struct one_time_key))

bool key_table_make(struct key_table *table)
{
	table->keys = secret_memory_map(TABLE_BYTES, -1, NULL);
	return table->keys != NULL;
}

bool key_table_add(struct key_table *table, const struct one_time_key *key)
{
	for (unsigned int i = 0; i < KEY_TABLE_KEYS_MAX; i++) {
		if (table->keys[i].owner.pid == 0) {
			table->keys[i] = *key;
			return true;
		}
	}
	return false;
}

struct one_time_key *key_table_find(const struct key_table *table, const struct owner *owner,
				    unsigned int skip)
{
	for (unsigned int i = 0; i < KEY_TABLE_KEYS_MAX; i++) {
		struct one_time_key *key = &table->keys[i];

		if (owner->pid > 0 && key->owner.pid == owner->pid &&
		    key->owner.start == owner->start && skip-- == 0)
			return key;
	}
	return NULL;
}

void key_table_forget(struct one_time_key *key)
{
	OPENSSL_cleanse(key, sizeof *key);
}

static bool is_alive(const struct owner *owner)
{
	struct process process;

	return process_read(owner->pid, &process) && process.start == owner->start;
}

unsigned int key_table_sweep(struct key_table *table, int64_t now)
{
	unsigned int left = 0;

	for (unsigned int i = 0; i < KEY_TABLE_KEYS_MAX; i++) {
		struct one_time_key *key = &table->keys[i];

		if (key->owner.pid == 0)
			continue;
		if (now >= key->expires || !is_alive(&key->owner))
			key_table_forget(key);
		else
			left++;
	}
	return left;
}

void key_table_free(struct key_table *table)
{
	secret_memory_unmap(table->keys, TABLE_BYTES);
	table->keys = NULL;
}
