/* SPDX-License-Identifier: Apache-2.0 */
/* The text of an offer in the ledger: print it, and read it back. */
#ifndef EXC_LEDGER_OFFER_H
#define EXC_LEDGER_OFFER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "ledger/connection.h"
#include "grant/authorized_line.h"
#include "base/digest.h"
#include "grant/grant.h"

/* Connections that may ask about one key before it is used */
#define OFFER_CONNECTIONS_MAX 128
/* Fields of the longest values and OFFER_CONNECTIONS_MAX lines fit. */
#define OFFER_BYTES_MAX (12288 + AUTHORIZED_LINE_SIZE)

/* What is known of an offered key; strings end with NUL and have no control characters. */
struct offer {
	int64_t deadline; /* seconds of clock_boottime() */
	char jti[GRANT_JTI_SIZE];
	char caller[GRANT_CALLER_SIZE];
	char request_id[GRANT_REQUEST_ID_SIZE];
	char user[GRANT_USER_SIZE];
	char fingerprint[FINGERPRINT_SIZE];
	char line[AUTHORIZED_LINE_SIZE]; /* printed for sshd, without its line feed */
};

/* The connections that an offer names. */
struct offer_connections {
	unsigned int count;
	bool us; /* this connection */
	bool unknown; /* a connection whose sshd could not be identified */
};

/* Read a whole offer from its start. Returns its length, with a NUL after it, or -1 with errno. */
ssize_t offer_read(int fd, char text[OFFER_BYTES_MAX]);

/* Read the fields. False when the text was not written by this version. */
bool offer_parse(const char *text, struct offer *offer);

/* Count the connections, and look for `us`. */
void offer_connections(const char *text, const struct connection *us,
		       struct offer_connections *asked);

/* Print an offer to its first connection; returns the length. It always fits, and leaves room for
 * OFFER_CONNECTIONS_MAX further lines. */
int offer_print(const struct offer *offer, const struct connection *connection,
		char text[OFFER_BYTES_MAX]);

/* Print the line for one more connection, with its line feed; returns the length. */
int offer_print_connection(const struct connection *connection, char *out, size_t size);

#endif
