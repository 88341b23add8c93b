/* SPDX-License-Identifier: Apache-2.0 */
/* One structured journal entry for every offer, refusal and use (sd_journal_send(3)). */
#include "ledger/journal.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <syslog.h>
#include <unistd.h>

#define IDENTIFIER "exc-instance-connect"
#define JOURNAL_SOCKET "/run/systemd/journal/socket"
#define LIBSYSTEMD "libsystemd.so.0"
/* The longest command, or all networks, and a name */
#define FIELD_BYTES_MAX 1152
#define MESSAGE_BYTES_MAX 3072
#define FIELDS_MAX 16

struct event_kind {
	const char *name;
	const char *message_id;
	int priority;
	const char *text; /* how the message begins */
};

static const struct event_kind kinds[] = {
	[JOURNAL_OFFERED] = { "offered", "d6ac99a8a66f40d7a941ddfdd474d90f", LOG_INFO,
			      "one-time key offered to sshd" },
	[JOURNAL_REFUSED] = { "refused", "a9e88be025934ffe9d86b73f2cec7197", LOG_NOTICE,
			      "one-time key refused" },
	[JOURNAL_USED] = { "used", "5503bafc48cc4c888db21836a9f7cba3", LOG_INFO,
			   "one-time key used" },
	[JOURNAL_REPLAYED] = { "replayed", "529e97b0611140db8ef70ba9ae7e4bd6", LOG_WARNING,
			       "one-time key presented again after it was used" },
	[JOURNAL_PROBLEM] = { "problem", "37ad6b4a117f4e958c921775c10755f3", LOG_WARNING,
			      "a problem with one-time keys" },
	[JOURNAL_NO_GRANT] = { "no_grant", "470a090c90cd414d91b54313129f9763", LOG_DEBUG,
			       "no grant names this key" },
};

struct entry {
	char text[FIELDS_MAX][FIELD_BYTES_MAX];
	struct iovec fields[FIELDS_MAX];
	int count;
};

/* Replace characters that a terminal or a log reader could misinterpret. */
static void make_printable(char *text)
{
	for (; *text != '\0'; text++)
		if (*text < 0x20 || *text > 0x7e)
			*text = '?';
}

static void entry_add(struct entry *entry, const char *name, const char *value)
{
	char *text;

	if (value == NULL || value[0] == '\0' || entry->count == FIELDS_MAX)
		return;
	text = entry->text[entry->count];
	snprintf(text, FIELD_BYTES_MAX, "%s=%s", name, value);
	entry->fields[entry->count].iov_base = text;
	entry->fields[entry->count].iov_len = strlen(text);
	entry->count++;
}

static void append(char *message, const char *before, const char *value)
{
	size_t length = strlen(message);

	if (value != NULL && value[0] != '\0')
		snprintf(message + length, MESSAGE_BYTES_MAX - length, "%s%s", before, value);
}

static void describe(const struct journal_record *record, const struct event_kind *kind,
		     char *message)
{
	snprintf(message, MESSAGE_BYTES_MAX, "%s", kind->text);
	append(message, " (", record->reason);
	append(message, "", record->reason == NULL ? NULL : ")");
	append(message, ": user ", record->user);
	append(message, record->user == NULL ? ": caller " : ", caller ", record->caller);
	append(message, ", from ", record->client);
	append(message, ", key ", record->fingerprint);
	append(message, ", jti ", record->jti);
	append(message, ", command ", record->command);
	append(message, ", allowed from ", record->allowed_source);
	append(message, record->event == JOURNAL_PROBLEM ? ": " : "; ", record->detail);
	make_printable(message);
}

typedef int send_fields(const struct iovec *fields, int count);

/* sd_journal_sendv(3), or NULL without a journal. Most runs log nothing, and sshd waits for each:
 * libsystemd is loaded only for that. It stays loaded, as it is not made to be unloaded. */
static send_fields *find_journal(void)
{
	send_fields *send = NULL;
	void *library;

	/* libsystemd silently returns 0 when there is no journal. */
	if (access(JOURNAL_SOCKET, W_OK) != 0)
		return NULL;
	library = dlopen(LIBSYSTEMD, RTLD_LAZY | RTLD_LOCAL);
	if (library != NULL)
		*(void **)&send = dlsym(library, "sd_journal_sendv");
	return send;
}

void journal_prepare(void)
{
	find_journal();
}

void journal_write(const struct journal_record *record)
{
	const struct event_kind *kind = &kinds[record->event];
	send_fields *send = find_journal();
	char message[MESSAGE_BYTES_MAX], message_field[MESSAGE_BYTES_MAX + 16], priority[4];
	struct entry entry;

	describe(record, kind, message);
	if (send == NULL) {
		openlog(IDENTIFIER, LOG_PID, LOG_AUTHPRIV);
		syslog(LOG_AUTHPRIV | kind->priority, "%s", message);
		closelog();
		return;
	}
	entry.count = 0;
	snprintf(priority, sizeof priority, "%d", kind->priority);
	snprintf(message_field, sizeof message_field, "MESSAGE=%s", message);
	entry_add(&entry, "MESSAGE_ID", kind->message_id);
	entry_add(&entry, "PRIORITY", priority);
	entry_add(&entry, "SYSLOG_IDENTIFIER", IDENTIFIER);
	entry_add(&entry, "SYSLOG_FACILITY", "10"); /* LOG_AUTHPRIV >> 3 */
	entry_add(&entry, "EXC_EVENT", kind->name);
	entry_add(&entry, "EXC_USER", record->user);
	entry_add(&entry, "EXC_CALLER", record->caller);
	entry_add(&entry, "EXC_JTI", record->jti);
	entry_add(&entry, "EXC_FINGERPRINT", record->fingerprint);
	entry_add(&entry, "EXC_REQUEST_ID", record->request_id);
	entry_add(&entry, "EXC_REASON", record->reason);
	entry_add(&entry, "EXC_CLIENT", record->client);
	entry_add(&entry, "EXC_COMMAND", record->command);
	entry_add(&entry, "EXC_ALLOWED_SOURCE", record->allowed_source);
	entry.fields[entry.count].iov_base = message_field;
	entry.fields[entry.count].iov_len = strlen(message_field);
	entry.count++;
	send(entry.fields, entry.count);
}
