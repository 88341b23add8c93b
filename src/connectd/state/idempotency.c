/* SPDX-License-Identifier: Apache-2.0 */
/* Answers that may have to be repeated to a client that asks again with the same Idempotency-Key.
 */
#include "connectd/state/idempotency.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

bool replay_init(struct replay *replay)
{
	replay->entries = calloc(REPLAY_MAX, sizeof *replay->entries);
	return replay->entries != NULL;
}

static void forget(struct replay_entry *entry)
{
	if (entry->body != NULL)
		OPENSSL_cleanse(entry->body, strlen(entry->body));
	free(entry->body);
	*entry = (struct replay_entry){ 0 };
}

void replay_free(struct replay *replay)
{
	for (size_t i = 0; replay->entries != NULL && i < REPLAY_MAX; i++)
		forget(&replay->entries[i]);
	free(replay->entries);
	replay->entries = NULL;
}

void replay_sweep(struct replay *replay, int64_t now)
{
	for (size_t i = 0; i < REPLAY_MAX; i++)
		if (replay->entries[i].id[0] != '\0' && replay->entries[i].expires <= now)
			forget(&replay->entries[i]);
}

/* A free slot, or the one that expires first */
static struct replay_entry *choose_place(const struct replay *replay)
{
	struct replay_entry *place = &replay->entries[0];

	for (size_t i = 0; i < REPLAY_MAX && place->id[0] != '\0'; i++)
		if (replay->entries[i].id[0] == '\0' || replay->entries[i].expires < place->expires)
			place = &replay->entries[i];
	return place;
}

void replay_keep(struct replay *replay, const char *id, const char *body, int64_t expires)
{
	struct replay_entry *place = choose_place(replay);

	forget(place);
	place->body = strdup(body);
	/* gcc-suppress analyzer-malloc-leak ; gcc does not see that place is in the table */
	if (place->body == NULL)
		return;
	snprintf(place->id, sizeof place->id, "%s", id);
	place->expires = expires;
}

char *replay_find(struct replay *replay, const char *id, int64_t now)
{
	replay_sweep(replay, now);
	for (size_t i = 0; i < REPLAY_MAX; i++)
		if (strcmp(replay->entries[i].id, id) == 0)
			return strdup(replay->entries[i].body);
	return NULL;
}
