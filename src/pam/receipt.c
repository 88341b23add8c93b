/* SPDX-License-Identifier: Apache-2.0 */
/* Leave a receipt for a used key, for `exc-instance-connect report` to send. */
#include "pam/receipt.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ledger/paths.h"
#include "base/cleanup.h"

/* The offer's fields, an address and a number, with a backslash before each character of the
 * command */
#define RECEIPT_BYTES_MAX (1024 + 2 * RESTRICT_COMMAND_SIZE + RESTRICT_SOURCES_SIZE)
#define MEMBER_NAME_MAX 32
#define AUDIT_SESSION_FILE "/proc/self/sessionid"
/* Ten digits and a NUL; the largest number means none */
#define AUDIT_SESSION_SIZE 11
#define AUDIT_SESSION_NONE "4294967295"
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

/* The number of this login in the kernel's audit, as auditd's `ses`; empty if it has none, or
 * pam_loginuid has not run yet. */
static void read_audit_session(char session[AUDIT_SESSION_SIZE])
{
	_cleanup_close_ int fd = open(AUDIT_SESSION_FILE, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : read(fd, session, AUDIT_SESSION_SIZE - 1);

	session[length < 0 ? 0 : length] = '\0';
	session[strspn(session, "0123456789")] = '\0';
	if (strcmp(session, AUDIT_SESSION_NONE) == 0)
		session[0] = '\0';
}

/* Append a member. RECEIPT_BYTES_MAX has room for the longest of all. */
static void put_member(char *text, const char *name, const char *value)
{
	char *at = text + strlen(text);

	if (value[0] == '\0')
		return;
	at += snprintf(at, MEMBER_NAME_MAX, ",\"%s\":\"", name);
	/* No value has control characters: the agent checked the grant's before it wrote the offer,
	 * and the others are numbers and an address. */
	for (; *value != '\0'; value++) {
		if (*value == '"' || *value == '\\')
			*at++ = '\\';
		*at++ = *value;
	}
	memcpy(at, "\"", 2);
}

bool receipt_write(const struct offer *spent, const char *client)
{
	char text[RECEIPT_BYTES_MAX], jti_hash[DIGEST_HEX_SIZE], name[NAME_SIZE];
	char session[AUDIT_SESSION_SIZE];

	if (!digest_hex(spent->jti, strlen(spent->jti), jti_hash)) {
		errno = ENOMEM;
		return false;
	}
	read_audit_session(session);
	snprintf(name, sizeof name, "%s.json", jti_hash);
	snprintf(text, sizeof text, "{\"used_at\":%" PRId64, (int64_t)time(NULL));
	put_member(text, "jti", spent->jti);
	put_member(text, "user", spent->user);
	put_member(text, "fingerprint", spent->fingerprint);
	put_member(text, "client", client);
	put_member(text, "command", spent->command);
	put_member(text, "source", spent->source);
	put_member(text, "audit_session", session);
	memcpy(text + strlen(text), "}\n", 3);
	return write_into(RECEIPTS_DIR, name, text, strlen(text)) ||
	       write_into(RECEIPTS_FALLBACK_DIR, name, text, strlen(text));
}
