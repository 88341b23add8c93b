/* SPDX-License-Identifier: Apache-2.0 */
/* The text of an offer in the ledger: print it, and read it back. */
#ifndef EXC_LEDGER_OFFER_H
#define EXC_LEDGER_OFFER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "grant/authorized_line.h"
#include "base/digest.h"
#include "grant/grant.h"

/* The fields with their longest values fit. */
#define OFFER_BYTES_MAX                                                                            \
	(2048 + AUTHORIZED_LINE_SIZE + RESTRICT_COMMAND_SIZE + RESTRICT_SOURCES_SIZE)

/* What is known of an offered key; strings end with NUL and have no control characters. */
struct offer {
	int64_t deadline; /* when the grant ends, in seconds of clock_boottime() */
	char jti_hash[DIGEST_HEX_SIZE]; /* the name of its marks */
	char jti[GRANT_JTI_SIZE];
	char caller[GRANT_CALLER_SIZE];
	char request_id[GRANT_REQUEST_ID_SIZE];
	char user[GRANT_USER_SIZE];
	char fingerprint[FINGERPRINT_SIZE];
	char line[AUTHORIZED_LINE_SIZE]; /* printed for sshd, without its line feed */
	/* What the grant is limited to; empty if it is not. The last in the text: a version that
	 * does not know them may be short of room for them. */
	char command[RESTRICT_COMMAND_SIZE];
	char source[RESTRICT_SOURCES_SIZE]; /* as restrict_sources_print() has it */
};

/* Read a file from its start, with a NUL after it. Returns its length, or -1 with errno. */
ssize_t offer_read(int fd, char text[OFFER_BYTES_MAX]);

/* Read the fields. False when the text was written neither by this version nor by one before it
 * that has no command and source. */
bool offer_parse(const char *text, struct offer *offer);

/* Print an offer; returns the length. It always fits. */
int offer_print(const struct offer *offer, char text[OFFER_BYTES_MAX]);

#endif
