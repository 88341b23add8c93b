/* SPDX-License-Identifier: Apache-2.0 */
/* The sweep: remove ledger entries that are past their retention, a few at a time. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "ledger/ledger.h"
#include "ledger/entry.h"

/* Remove one offer if it is past its retention. False if it is still needed. */
static bool sweep_offer(int folder, const char *name, int64_t now)
{
	char text[OFFER_BYTES_MAX], used[LEDGER_ENTRY_NAME_SIZE];
	struct offer offer;

	/* What cannot be read is kept: it may be in use. */
	if (!ledger_entry_load(folder, name, text, &offer) ||
	    now <= offer.deadline + LEDGER_RETENTION_SECONDS)
		return false;
	/* The offer first: without its mark it could be spent again. */
	unlinkat(folder, name, 0);
	snprintf(used, sizeof used, "%.*s" LEDGER_ENTRY_USED, DIGEST_HEX_SIZE - 1, name);
	unlinkat(folder, used, 0);
	return true;
}

/* An unfinished offer, or a mark whose offer is gone: left by a process that was killed. */
static void sweep_leftover(int folder, const char *name)
{
	char offered[LEDGER_ENTRY_NAME_SIZE];
	struct stat status;

	if (ledger_entry_is(name, LEDGER_ENTRY_OFFERED)) /* made since we looked */
		return;
	if (ledger_entry_is(name, LEDGER_ENTRY_USED)) {
		snprintf(offered, sizeof offered, "%.*s" LEDGER_ENTRY_OFFERED, DIGEST_HEX_SIZE - 1,
			 name);
		if (fstatat(folder, offered, &status, AT_SYMLINK_NOFOLLOW) == 0)
			return;
	}
	unlinkat(folder, name, 0);
}

/* The next of a key's entries; one sweep checks a bounded number of them. */
static const struct dirent *next_entry(DIR *folder, unsigned int *seen)
{
	return (*seen)++ < LEDGER_SWEEP_ENTRIES_MAX ? readdir(folder) : NULL;
}

static void sweep_key(int keys, const char *key_hash, int64_t now)
{
	_cleanup_dir_ DIR *folder = ledger_stream(keys, key_hash);
	const struct dirent *entry;
	bool in_use = false;

	if (folder == NULL)
		return;
	for (unsigned int seen = 0; (entry = next_entry(folder, &seen)) != NULL;)
		if (ledger_entry_is(entry->d_name, LEDGER_ENTRY_OFFERED))
			in_use |= !sweep_offer(dirfd(folder), entry->d_name, now);
	if (in_use)
		return;
	rewinddir(folder);
	for (unsigned int seen = 0; (entry = next_entry(folder, &seen)) != NULL;)
		if (entry->d_name[0] != '.')
			sweep_leftover(dirfd(folder), entry->d_name);
	unlinkat(keys, key_hash, AT_REMOVEDIR);
}

void ledger_sweep(const struct ledger *ledger)
{
	_cleanup_dir_ DIR *keys = ledger_stream(ledger->directory, "keys");
	int64_t now = clock_boottime();
	const struct dirent *entry;
	unsigned int seen = 0;
	struct stat status;
	uint32_t skip = 0;

	if (keys == NULL || fstat(dirfd(keys), &status) != 0)
		return;
	/* A directory has a link for each directory in it, on the file systems that /run is on. */
	if (status.st_nlink > 2 + LEDGER_SWEEP_MAX &&
	    getrandom(&skip, sizeof skip, GRND_NONBLOCK) == sizeof skip)
		skip %= (uint32_t)status.st_nlink - 2;
	while (seen < LEDGER_SWEEP_MAX && (entry = readdir(keys)) != NULL) {
		/* Skip the stamps of when the ledger was made */
		if (!ledger_entry_is(entry->d_name, ""))
			continue;
		if (skip > 0) {
			skip--;
			continue;
		}
		seen++;
		sweep_key(ledger->keys, entry->d_name, now);
	}
}
