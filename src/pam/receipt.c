/* SPDX-License-Identifier: Apache-2.0 */
/* Leave a receipt for a used key, for `exc-instance-connect report` to send. */
#include "pam/receipt.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <errno.h>

#include "ledger/paths.h"
#include "base/cleanup.h"

/* The offer's fields and an address */
#define RECEIPT_BYTES_MAX 1024
#define NAME_SIZE (DIGEST_HEX_SIZE + 8)

static bool write_into(const char *directory, const char *name, const char *text, size_t length)
{
	_cleanup_close_ int folder = -1;
	_cleanup_close_ int fd = -1;
	char unfinished[NAME_SIZE + 1];
	struct stat status;

	folder = open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (folder < 0 || fstat(folder, &status) != 0)
		return false;
	snprintf(unfinished, sizeof unfinished, ".%s", name);
	unlinkat(folder, unfinished, 0);
	fd = openat(folder, unfinished, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	/* The agent's user, who owns the directory, sends and removes it. */
	if (write(fd, text, length) == (ssize_t)length &&
	    fchown(fd, status.st_uid, status.st_gid) == 0 &&
	    renameat(folder, unfinished, folder, name) == 0)
		return true;
	unlinkat(folder, unfinished, 0);
	return false;
}

bool receipt_write(const struct offer *spent, const char *client)
{
	char text[RECEIPT_BYTES_MAX], jti_hash[DIGEST_HEX_SIZE], name[NAME_SIZE];
	int length;

	if (!digest_hex(spent->jti, strlen(spent->jti), jti_hash)) {
		errno = ENOMEM;
		return false;
	}
	snprintf(name, sizeof name, "%s.json", jti_hash);
	/* All values are of characters that JSON does not escape: the agent checked them before it
	 * wrote the offer, and the client's is an address. */
	length = snprintf(text, sizeof text,
			  "{\"jti\":\"%s\",\"user\":\"%s\",\"fingerprint\":\"%s\","
			  "\"used_at\":%" PRId64 ",\"client\":\"%s\"}\n",
			  spent->jti, spent->user, spent->fingerprint, (int64_t)time(NULL), client);
	return write_into(RECEIPTS_DIR, name, text, (size_t)length) ||
	       write_into(RECEIPTS_FALLBACK_DIR, name, text, (size_t)length);
}
