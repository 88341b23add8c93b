/* SPDX-License-Identifier: Apache-2.0 */
/* An offer in the ledger, with whatever content: its key is spent at most once, and what can be
 * read is printed again as it was.
 *
 * The input is a byte with flags and the file's content. */
#include "../unit/mint.h"
#include "fuzz.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ledger/ledger.h"
#include "base/cleanup.h"

#define IS_USED 0x01 /* the used mark is there */
#define BINDS 0x02
#define SWEEPS 0x04

#define JTI "AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"
#define KEY_HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define NAME_SIZE (DIGEST_HEX_SIZE + 16)

static char *directory; /* left to who runs this, in TMPDIR */
static char offered[NAME_SIZE], used[NAME_SIZE];

/* In the seeds, us is who is named there. */
static const struct connection us = { 100, 1000, true };
static const struct offer ours = { .deadline = 60,
				   .jti = JTI,
				   .caller = "user:ana",
				   .request_id = "req-1",
				   .user = "ubuntu",
				   .fingerprint =
					   "SHA256:ZkAslGjFiUHdGf/WUL8rQvkib4PTvQatUV0OUQSncCA" };

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	char jti_hash[DIGEST_HEX_SIZE];

	(void)argc;
	(void)argv;
	directory = mint_directory();
	must(digest_hex(JTI, strlen(JTI), jti_hash));
	snprintf(offered, sizeof offered, "%s.offered", jti_hash);
	snprintf(used, sizeof used, "%s.used", jti_hash);
	return 0;
}

static void write_file(int folder, const char *name, const uint8_t *bytes, size_t length)
{
	_cleanup_close_ int fd =
		openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	must(fd >= 0 && write(fd, bytes, length) == (ssize_t)length);
}

/* What was read is printed, and read again, as it was. */
static void check_text(const uint8_t *bytes, size_t length)
{
	_cleanup_free_ char *text = fuzz_text(bytes, length);
	char again[OFFER_BYTES_MAX];
	struct offer offer, same;
	struct offer_connections asked;
	int printed;

	offer_connections(text, &us, &asked);
	must(!asked.us || asked.count > 0);
	if (!offer_parse(text, &offer))
		return;
	printed = offer_print(&offer, &us, again);
	must(printed > 0 && printed < OFFER_BYTES_MAX && (size_t)printed == strlen(again));
	must(offer_parse(again, &same));
	must(same.deadline == offer.deadline && strcmp(same.jti, offer.jti) == 0 &&
	     strcmp(same.caller, offer.caller) == 0 && strcmp(same.user, offer.user) == 0 &&
	     strcmp(same.request_id, offer.request_id) == 0 &&
	     strcmp(same.fingerprint, offer.fingerprint) == 0 &&
	     strcmp(same.line, offer.line) == 0);
	offer_connections(again, &us, &asked);
	must(asked.us && asked.count == 1 && !asked.unknown);
}

/* What sshd would be told again; nothing, once the key is used. */
static void check_recall(const struct ledger *ledger, bool is_used)
{
	static const struct connection nobody = { 100, 1000, false };
	struct offer recalled;

	must(!ledger_recall(ledger, KEY_HASH, ours.user, &nobody, &recalled));
	if (!ledger_recall(ledger, KEY_HASH, ours.user, &us, &recalled))
		return;
	must(!is_used && strcmp(recalled.user, ours.user) == 0);
	must(recalled.line[0] != '\0' && strchr(recalled.line, '\n') == NULL);
}

/* Whatever the file says, nobody gets in twice. */
static void check_ledger(const struct ledger *ledger, uint8_t flags)
{
	bool is_used = (flags & IS_USED) != 0;
	enum ledger_result result;
	struct offer spent;

	result = ledger_offer(ledger, KEY_HASH, &ours, &us, (flags & BINDS) != 0);
	must(!is_used || result == LEDGER_ALREADY_USED);
	check_recall(ledger, is_used);
	result = ledger_spend(ledger, KEY_HASH, &us, &spent);
	must(!is_used || result != LEDGER_SPENT);
	is_used = is_used || result == LEDGER_SPENT;
	check_recall(ledger, is_used);
	if ((flags & SWEEPS) != 0)
		ledger_sweep(ledger);
	result = ledger_spend(ledger, KEY_HASH, &us, &spent);
	must(!is_used || result != LEDGER_SPENT);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	uint8_t flags = length == 0 ? 0 : bytes[0];
	struct ledger ledger;
	int folder;

	if (length == 0)
		return 0;
	check_text(bytes + 1, length - 1);
	must(ledger_open(&ledger, directory));
	must(mkdirat(ledger.keys, KEY_HASH, 0700) == 0);
	folder = openat(ledger.keys, KEY_HASH, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must(folder >= 0);
	write_file(folder, offered, bytes + 1, length - 1);
	if ((flags & IS_USED) != 0)
		write_file(folder, used, NULL, 0);
	check_ledger(&ledger, flags);
	unlinkat(folder, offered, 0);
	unlinkat(folder, used, 0);
	close(folder);
	unlinkat(ledger.keys, KEY_HASH, AT_REMOVEDIR);
	ledger_close(&ledger);
	return 0;
}
