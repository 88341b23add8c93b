/* SPDX-License-Identifier: Apache-2.0 */
/* The private halves of pairs made here, until their session opens a terminal or ends: in memory
 * that is locked, left out of core files and not inherited by children. */
#include "connectd/state/key_vault.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/secret_memory.h"

#define VAULT_BYTES (VAULT_MAX * sizeof(struct vault_entry))

bool vault_init(struct vault *vault)
{
	bool is_locked;

	vault->entries = secret_memory_map(VAULT_BYTES, -1, &is_locked);
	if (vault->entries != NULL && !is_locked)
		fprintf(stderr,
			"exc-connectd: private keys may be swapped out: %s; is LimitMEMLOCK= below "
			"%zu bytes?\n",
			strerror(errno), VAULT_BYTES);
	return vault->entries != NULL;
}

static void forget(struct vault_entry *entry)
{
	OPENSSL_cleanse(entry, sizeof *entry);
}

void vault_free(struct vault *vault)
{
	secret_memory_unmap(vault->entries, VAULT_BYTES);
	vault->entries = NULL;
}

/* NULL when the session has no key. Bounded by VAULT_MAX. */
static struct vault_entry *vault_find(const struct vault *vault, const char *session, int64_t now)
{
	for (size_t i = 0; i < VAULT_MAX; i++)
		if (strcmp(vault->entries[i].session, session) == 0 &&
		    vault->entries[i].expires > now)
			return &vault->entries[i];
	return NULL;
}

void vault_keep(struct vault *vault, const char *session, const char *private_key, int64_t expires)
{
	struct vault_entry *place = &vault->entries[0];

	for (size_t i = 0; i < VAULT_MAX && place->session[0] != '\0'; i++)
		if (vault->entries[i].session[0] == '\0' ||
		    vault->entries[i].expires < place->expires)
			place = &vault->entries[i];
	forget(place);
	snprintf(place->session, sizeof place->session, "%s", session);
	snprintf(place->private_key, sizeof place->private_key, "%s", private_key);
	place->expires = expires;
}

bool vault_has(const struct vault *vault, const char *session, int64_t now)
{
	return vault_find(vault, session, now) != NULL;
}

bool vault_take(struct vault *vault, const char *session, int64_t now,
		char private_key[KEYPAIR_PRIVATE_SIZE])
{
	struct vault_entry *entry = vault_find(vault, session, now);

	if (entry == NULL)
		return false;
	memcpy(private_key, entry->private_key, KEYPAIR_PRIVATE_SIZE);
	forget(entry);
	return true;
}

void vault_sweep(struct vault *vault, int64_t now)
{
	for (size_t i = 0; i < VAULT_MAX; i++)
		if (vault->entries[i].session[0] != '\0' && vault->entries[i].expires <= now)
			forget(&vault->entries[i]);
}
