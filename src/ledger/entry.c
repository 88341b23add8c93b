/* SPDX-License-Identifier: Apache-2.0 */
/* What the ledger's files are called, and how its directories and offers are opened. */
#include "ledger/entry.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

int ledger_directory(int parent, const char *name)
{
	return openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

DIR *ledger_stream(int parent, const char *name)
{
	int fd = ledger_directory(parent, name);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);

	if (stream == NULL && fd >= 0)
		close(fd);
	return stream;
}

bool ledger_entry_is(const char *name, const char *suffix)
{
	return strlen(name) == DIGEST_HEX_SIZE - 1 + strlen(suffix) &&
	       strcmp(name + DIGEST_HEX_SIZE - 1, suffix) == 0;
}

bool ledger_entry_load(int folder, const char *name, char text[OFFER_BYTES_MAX],
		       struct offer *offer)
{
	_cleanup_close_ int fd =
		openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0 || offer_read(fd, text) < 0)
		return false;
	errno = EBADMSG;
	return offer_parse(text, offer);
}
