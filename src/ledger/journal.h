/* SPDX-License-Identifier: Apache-2.0 */
/* One structured journal entry for every offer, refusal and use (sd_journal_send(3)). */
#ifndef EXC_JOURNAL_H
#define EXC_JOURNAL_H

/* The fields' names and these ids never change: people search for them. */
enum journal_event {
	JOURNAL_OFFERED, /* a key was given to sshd */
	JOURNAL_REFUSED, /* a grant does not hold, or its key could not be recorded */
	JOURNAL_USED, /* a key was spent by a login */
	JOURNAL_REPLAYED, /* somebody came with a key that is spent */
	JOURNAL_PROBLEM, /* nothing can be offered until somebody mends this */
};

/* All strings are borrowed and may be NULL; an absent field is left out of the entry. */
struct journal_record {
	enum journal_event event;
	const char *user;
	const char *caller;
	const char *jti;
	const char *fingerprint;
	const char *request_id;
	const char *reason; /* a stable name, such as "expired" */
	const char *client; /* the address that the person came from */
	const char *detail; /* for people: what happened and what to do */
};

/* Write one entry to the journal, or to syslog's authpriv where there is no journal. Never fails
 * and never blocks on the network. Whatever is not printable ASCII is replaced in the text for
 * people. */
void journal_write(const struct journal_record *record);

#endif
