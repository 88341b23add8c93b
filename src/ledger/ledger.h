/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger: which one-time keys were offered on this machine, and which are used.
 *
 *   /run/exc-instance-connect/keys/<sha256 of the key's blob>/<sha256 of the jti>.offered
 *                                                             <sha256 of the jti>.used
 *   /run/exc-instance-connect/keys/created, made: when this ledger was made
 *
 * An offer is a small text file, made whole by link(2); lines of `connection` are appended to it.
 * The used mark is an empty file made with O_CREAT|O_EXCL: that system call spends a key. */
#ifndef EXC_LEDGER_LEDGER_H
#define EXC_LEDGER_LEDGER_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "ledger/connection.h"
#include "ledger/offer.h"

/* Keys that one run checks for old entries, and entries checked in each key's directory */
#define LEDGER_SWEEP_MAX 16
#define LEDGER_SWEEP_ENTRIES_MAX 256
/* Offers of one key within the retention: more than one when a caller's own key is granted again
 * and again. Over this bound it is refused. */
#define LEDGER_OFFERS_PER_KEY_MAX 1024
/* Seconds after its grant's end for which an offer whose connection is unknown stands for every
 * connection with that key: more than LoginGraceTime, so that the loser of a race is refused. */
#define LEDGER_UNKNOWN_SECONDS 600
/* Seconds that entries outlive their grant. A grant is refused once it has expired; the mark stays
 * longer in case the clock is set back. */
#define LEDGER_RETENTION_SECONDS 3600

struct ledger {
	int directory; /* LEDGER_DIR, for stamps */
	int keys;
};

enum ledger_result {
	LEDGER_OFFERED, /* recorded now */
	LEDGER_OFFERED_BEFORE, /* recorded earlier for this same connection */
	LEDGER_SPENT, /* used now, and only by us */
	LEDGER_ALREADY_USED, /* used before, or bound to another connection */
	LEDGER_NOT_OURS, /* no offer names this key for this connection */
	LEDGER_UNAVAILABLE, /* it could not be recorded: errno says why */
};

/* Open the ledger for the agent, which owns it. False, with errno, when it is missing, not owned by
 * this user, or open to others (EPERM). */
bool ledger_open(struct ledger *ledger, const char *directory);

/* Open the ledger for the module, which is root. False with ENOENT: nothing was ever offered. */
bool ledger_open_as_root(struct ledger *ledger, const char *directory);

void ledger_close(struct ledger *ledger);

/* Empty files in the directory that holds the marks, so that they go when the marks go. tmpfiles.d
 * makes the first, and its modification time is that of the wall clock then. The agent makes the
 * second, and its modification time is that moment in boot time. */
#define LEDGER_CREATED "created"
#define LEDGER_MADE "made"

/* Find out when this ledger was made, in nanoseconds of clock_boottime_ns(): it does not know what
 * was spent before that. A ledger with no known time counts as made now, from this call on. False,
 * with errno, if the time cannot be read or stored: then no grant is known to be newer. */
bool ledger_made(const struct ledger *ledger, int64_t *made);

/* The earliest iat (seconds since 1970) of a grant that was surely issued after the ledger was
 * `made`, if the issuer's clock showed `now` when clock_boottime_ns() was `asked`, or later. */
time_t ledger_earliest_grant(int64_t made, int64_t asked, time_t now);

/* Record that the key whose blob hashes to `key_hash` is offered to `connection`. With `bind`, only
 * the first connection gets LEDGER_OFFERED. Returns LEDGER_OFFERED, LEDGER_OFFERED_BEFORE,
 * LEDGER_ALREADY_USED or LEDGER_UNAVAILABLE. */
enum ledger_result ledger_offer(const struct ledger *ledger, const char *key_hash,
				const struct offer *offer, const struct connection *connection,
				bool bind);

/* Find the offer of a key that this connection already got, for this user: sshd asks twice in one
 * login, about the key and about its signature. False if there is no offer, it is used or expired,
 * or the connection is not known to be sshd's: then look elsewhere for the answer. */
bool ledger_recall(const struct ledger *ledger, const char *key_hash, const char *user,
		   const struct connection *connection, struct offer *recalled);

/* Spend a key that was offered to `connection`. Returns LEDGER_SPENT for exactly one caller per
 * grant, however many race; LEDGER_ALREADY_USED for the rest; LEDGER_NOT_OURS when no offer names
 * this key and this connection; LEDGER_UNAVAILABLE when the mark cannot be made. Except for
 * LEDGER_NOT_OURS, `spent` says whose key it is. */
enum ledger_result ledger_spend(const struct ledger *ledger, const char *key_hash,
				const struct connection *connection, struct offer *spent);

/* Remove entries past their retention: LEDGER_SWEEP_MAX keys, starting at a random one, so that
 * every entry is reached eventually. */
void ledger_sweep(const struct ledger *ledger);

#endif
