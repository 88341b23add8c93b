/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger: what was offered to which sshd connection, and which keys are used.
 *
 *   /run/exc-instance-connect/connections/<pid>/<sha256 of the key's blob>
 *                             connections/<pid>/waited: milliseconds, for an endpoint that failed
 *                             used/<sha256 of the jti>
 *                             bound/<sha256 of the jti>
 *                             used/created, used/made, and the same in bound: when it was made
 *                             modules: what the module locks, see module_lock.h
 *
 * An entry in connections says what the agent offered to the sshd process with that pid. Its
 * modification time is when that process asked, on CLOCK_BOOTTIME: a process that began later has
 * the same pid, but was offered nothing. It is written whole, by rename(2).
 *
 * A used mark is an empty file made with O_CREAT|O_EXCL: that system call spends a key. A bound
 * mark names the one connection that may have a key where the module is not known to spend it; it
 * is made whole by link(2). The modification time of both is when the grant ends, on
 * CLOCK_BOOTTIME. */
#ifndef EXC_LEDGER_LEDGER_H
#define EXC_LEDGER_LEDGER_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "ledger/offer.h"

/* Connections, used marks and bound marks that one run checks whether they can go */
#define LEDGER_SWEEP_MAX 16
/* Keys that one connection may be offered. MaxAuthTries allows far fewer. */
#define LEDGER_OFFERS_PER_CONNECTION_MAX 64
/* Seconds after its grant's end in which a login with the offered key may still open its session: a
 * second factor takes its time. */
#define LEDGER_SESSION_MAX_SECONDS 600
/* Seconds that marks outlive their grant. No entry is accepted after LEDGER_SESSION_MAX_SECONDS,
 * and no grant once it has expired; the mark stays longer in case the clock is set back. */
#define LEDGER_RETENTION_SECONDS 3600
/* A mark's time is no further ahead than a key lives. What is, was left half made, and stays until
 * the next boot. */
#define LEDGER_AHEAD_MAX_SECONDS 60

/* Descriptors of directories */
struct ledger {
	int directory; /* LEDGER_DIR, for stamps */
	int connections;
	int used;
	int bound;
};

/* An sshd process that serves one connection. It runs the agent, and PAM runs inside it. */
struct connection {
	pid_t pid;
	uint64_t start; /* clock ticks since the kernel started; 0 if that cannot be seen */
};

enum ledger_result {
	LEDGER_OFFERED, /* recorded */
	LEDGER_SPENT, /* used now, and only by us */
	LEDGER_ALREADY_USED, /* used before, or bound to another connection */
	LEDGER_NOT_OURS, /* this connection was not offered this key */
	LEDGER_WRONG_USER, /* it was offered for another user */
	LEDGER_TOO_LATE, /* the session opens too long after the grant's end */
	LEDGER_UNAVAILABLE, /* it could not be recorded or read: errno says why */
};

/* Open the ledger for the agent, which owns it. False, with errno, when it is missing, not owned by
 * this user, or open to others (EPERM). */
bool ledger_open(struct ledger *ledger, const char *directory);

/* Open the ledger for root. False, with errno, when a part is missing, or others have access
 * (EPERM). */
bool ledger_open_as_root(struct ledger *ledger, const char *directory);

void ledger_close(struct ledger *ledger);

/* Empty files in the directories of marks, so that they go when the marks go. tmpfiles.d makes the
 * first, and its modification time is that of the wall clock then. The agent makes the second, and
 * its modification time is that moment in boot time. */
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
 * the first connection gets it. Returns LEDGER_OFFERED, LEDGER_ALREADY_USED or
 * LEDGER_UNAVAILABLE. */
enum ledger_result ledger_offer(const struct ledger *ledger, const char *key_hash,
				const struct offer *offer, const struct connection *connection,
				bool bind);

/* Find the offer of a key that this connection already got, for this user: sshd asks twice in one
 * login, about the key and about its signature. The entry's time becomes now, as sshd is about to
 * be answered again. False if there is no offer, or it is used, bound to another connection or
 * expired: then look elsewhere for the answer. */
bool ledger_recall(const struct ledger *ledger, const char *key_hash, const char *user,
		   const struct connection *connection, bool bind, struct offer *recalled);

/* For how many milliseconds this connection has waited for an endpoint that failed: 0 if for none,
 * or if that cannot be read. */
unsigned int ledger_waited(const struct ledger *ledger, const struct connection *connection);

/* Set it. If it cannot be stored, the connection may wait for that long again. */
void ledger_wait_longer(const struct ledger *ledger, const struct connection *connection,
			unsigned int waited);

/* Spend a key that was offered to `connection` for `user`. Returns LEDGER_SPENT for exactly one
 * caller per grant, however many race; LEDGER_NOT_OURS when the connection was not offered this
 * key; otherwise why the login has to be refused. `spent` says whose key it is, as far as it can be
 * read. */
enum ledger_result ledger_spend(const struct ledger *ledger, const char *key_hash, const char *user,
				const struct connection *connection, struct offer *spent);

/* Remove what is no longer needed: LEDGER_SWEEP_MAX of each kind, starting at a random one, so that
 * all are reached eventually. */
void ledger_sweep(const struct ledger *ledger);

#endif
