/* SPDX-License-Identifier: Apache-2.0 */
/* One structured journal entry for every offer, refusal and use (sd_journal_send(3)). */
#ifndef EXC_LEDGER_JOURNAL_H
#define EXC_LEDGER_JOURNAL_H

/* Field names and these ids never change: people search for them. */
enum journal_event {
	JOURNAL_OFFERED, /* a key was given to sshd */
	JOURNAL_REFUSED, /* a grant is not valid, or its key is for another user, late, or not
			    recorded */
	JOURNAL_USED, /* a key was spent by a login */
	JOURNAL_REPLAYED, /* a key that is spent, or bound to another connection, was presented
			     again */
	JOURNAL_PROBLEM, /* nothing can be offered until this is fixed */
	JOURNAL_NO_GRANT, /* no grant names the key, as for most keys: for log_level = debug only */
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
	const char *client; /* the address that the login came from */
	const char *command; /* the only one that the grant allows */
	const char *allowed_source; /* the networks that it allows */
	const char *detail; /* for people: what happened and what to do */
};

/* Load what writing an entry needs, in a run that has nothing else to do and is likely to write
 * one. */
void journal_prepare(void);

/* Write one entry to the journal, or to syslog's authpriv where there is no journal. Never fails
 * and never blocks on the network. Anything but printable ASCII is replaced in the message. */
void journal_write(const struct journal_record *record);

#endif
