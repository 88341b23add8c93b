/* SPDX-License-Identifier: Apache-2.0 */
/* An entry and a binding in the ledger, with whatever content: a key is spent at most once, and
 * what can be read is printed again as it was.
 *
 * The input is a byte with flags, a byte for the length of the binding, the binding, and the entry.
 */
#include "../unit/mint.h"
#include "fuzz.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "ledger/ledger.h"
#include "base/cleanup.h"

#define IS_USED 0x01 /* the used mark is there */
#define BINDS 0x02
#define SWEEPS 0x04
#define IS_BOUND 0x08 /* and so is a bound mark, with the content that follows */

#define JTI "AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"
#define KEY_HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define PID "100"

static char *directory; /* left to who runs this, in TMPDIR */

static const struct connection us = { 100, 1 };
static struct offer ours = { .deadline = 86400, /* from now, once it is set up */
			     .jti = JTI,
			     .caller = "user:ana",
			     .request_id = "req-1",
			     .user = "ubuntu",
			     .fingerprint = "SHA256:ZkAslGjFiUHdGf/WUL8rQvkib4PTvQatUV0OUQSncCA" };

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	directory = mint_directory();
	must(digest_hex(JTI, strlen(JTI), ours.jti_hash));
	ours.deadline += clock_boottime();
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
	int printed;

	if (!offer_parse(text, &offer))
		return;
	printed = offer_print(&offer, again);
	must(printed > 0 && printed < OFFER_BYTES_MAX && (size_t)printed == strlen(again));
	must(offer_parse(again, &same));
	must(same.deadline == offer.deadline && strcmp(same.jti, offer.jti) == 0 &&
	     strcmp(same.jti_hash, offer.jti_hash) == 0 && strcmp(same.caller, offer.caller) == 0 &&
	     strcmp(same.user, offer.user) == 0 && strcmp(same.request_id, offer.request_id) == 0 &&
	     strcmp(same.fingerprint, offer.fingerprint) == 0 &&
	     strcmp(same.line, offer.line) == 0 && strcmp(same.command, offer.command) == 0 &&
	     strcmp(same.source, offer.source) == 0);
}

/* Whatever the files say, nobody gets in twice. */
static void check_ledger(const struct ledger *ledger, uint8_t flags)
{
	bool is_used = (flags & IS_USED) != 0;
	enum ledger_result result;
	struct offer spent, recalled;

	/* What was there before us: of this grant, or of none that anybody knows */
	if (ledger_spend(ledger, KEY_HASH, "ubuntu", &us, &spent) == LEDGER_SPENT)
		is_used = is_used || strcmp(spent.jti_hash, ours.jti_hash) == 0;
	if (digest_is_hex(spent.jti_hash) && strcmp(spent.jti_hash, ours.jti_hash) != 0)
		unlinkat(ledger->used, spent.jti_hash, 0);
	result = ledger_offer(ledger, KEY_HASH, &ours, &us, (flags & BINDS) != 0);
	must(!is_used || result != LEDGER_OFFERED);
	if (result != LEDGER_OFFERED)
		return;
	must(ledger_spend(ledger, KEY_HASH, "ana", &us, &spent) == LEDGER_WRONG_USER);
	must(!ledger_recall(ledger, KEY_HASH, "ana", &us, false, &recalled));
	if (ledger_recall(ledger, KEY_HASH, "ubuntu", &us, (flags & BINDS) != 0, &recalled))
		must(strcmp(recalled.line, ours.line) == 0);
	if ((flags & SWEEPS) != 0)
		ledger_sweep(ledger);
	result = ledger_spend(ledger, KEY_HASH, "ubuntu", &us, &spent);
	is_used = result == LEDGER_SPENT;
	must(ledger_spend(ledger, KEY_HASH, "ubuntu", &us, &spent) != LEDGER_SPENT);
	must(!is_used || ledger_offer(ledger, KEY_HASH, &ours, &us, false) == LEDGER_ALREADY_USED);
	must(!ledger_recall(ledger, KEY_HASH, "ubuntu", &us, false, &recalled) || !is_used);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct ledger ledger;
	size_t bound;
	uint8_t flags;
	int folder;

	if (length < 2)
		return 0;
	flags = bytes[0];
	bound = (flags & IS_BOUND) != 0 ? bytes[1] : 0;
	if (bound > length - 2)
		return 0;
	check_text(bytes + 2 + bound, length - 2 - bound);
	must(ledger_open(&ledger, directory));
	must(mkdirat(ledger.connections, PID, 0700) == 0);
	folder = openat(ledger.connections, PID, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must(folder >= 0);
	write_file(folder, KEY_HASH, bytes + 2 + bound, length - 2 - bound);
	if ((flags & IS_BOUND) != 0)
		write_file(ledger.bound, ours.jti_hash, bytes + 2, bound);
	if ((flags & IS_USED) != 0)
		write_file(ledger.used, ours.jti_hash, NULL, 0);
	check_ledger(&ledger, flags);
	unlinkat(folder, KEY_HASH, 0);
	unlinkat(ledger.connections, PID, AT_REMOVEDIR);
	unlinkat(ledger.used, ours.jti_hash, 0);
	unlinkat(ledger.bound, ours.jti_hash, 0);
	close(folder);
	ledger_close(&ledger);
	return 0;
}
