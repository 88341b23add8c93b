/* SPDX-License-Identifier: Apache-2.0 */
/* The text of an offer in the ledger: print it, and read it back. */
#include "ledger/offer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define VERSION_LINE "instance-connect offer 2\n"
/* No clock reaches this, and adding a retention cannot overflow. */
#define DEADLINE_DIGITS_MAX 18

ssize_t offer_read(int fd, char text[OFFER_BYTES_MAX])
{
	size_t length = 0;

	while (length < OFFER_BYTES_MAX - 1) {
		ssize_t got = pread(fd, text + length, OFFER_BYTES_MAX - 1 - length, (off_t)length);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		length += (size_t)got;
	}
	text[length] = '\0';
	return (ssize_t)length;
}

/* The value of the line that starts with `name` and a space, into `out`. */
static bool read_field(const char *text, const char *name, char *out, size_t size)
{
	size_t name_length = strlen(name);
	size_t value_length;

	/* Bounded by OFFER_BYTES_MAX */
	for (; text != NULL; text = strchr(text, '\n')) {
		text += *text == '\n';
		if (strncmp(text, name, name_length) == 0 && text[name_length] == ' ')
			break;
	}
	if (text == NULL)
		return false;
	text += name_length + 1;
	value_length = strcspn(text, "\n");
	if (value_length >= size)
		return false;
	memcpy(out, text, value_length);
	out[value_length] = '\0';
	return true;
}

/* The same, for one that may be missing */
static void read_optional(const char *text, const char *name, char *out, size_t size)
{
	if (!read_field(text, name, out, size))
		out[0] = '\0';
}

bool offer_parse(const char *text, struct offer *offer)
{
	char deadline[DEADLINE_DIGITS_MAX + 1];

	memset(offer, 0, sizeof *offer);
	if (strncmp(text, VERSION_LINE, strlen(VERSION_LINE)) != 0 ||
	    !read_field(text, "deadline", deadline, sizeof deadline) ||
	    sscanf(deadline, "%" SCNd64, &offer->deadline) != 1)
		return false;
	read_optional(text, "command", offer->command, sizeof offer->command);
	read_optional(text, "source", offer->source, sizeof offer->source);
	return read_field(text, "jti_hash", offer->jti_hash, sizeof offer->jti_hash) &&
	       digest_is_hex(offer->jti_hash) &&
	       read_field(text, "jti", offer->jti, sizeof offer->jti) &&
	       read_field(text, "caller", offer->caller, sizeof offer->caller) &&
	       read_field(text, "request_id", offer->request_id, sizeof offer->request_id) &&
	       read_field(text, "user", offer->user, sizeof offer->user) &&
	       read_field(text, "fingerprint", offer->fingerprint, sizeof offer->fingerprint) &&
	       read_field(text, "line", offer->line, sizeof offer->line);
}

int offer_print(const struct offer *offer, char text[OFFER_BYTES_MAX])
{
	int length = snprintf(text, OFFER_BYTES_MAX,
			      VERSION_LINE "deadline %" PRId64 "\njti_hash %s\njti %s\ncaller %s\n"
					   "request_id %s\nuser %s\nfingerprint %s\nline %s\n",
			      offer->deadline, offer->jti_hash, offer->jti, offer->caller,
			      offer->request_id, offer->user, offer->fingerprint, offer->line);

	if (offer->command[0] != '\0')
		length += snprintf(text + length, OFFER_BYTES_MAX - (size_t)length, "command %s\n",
				   offer->command);
	if (offer->source[0] != '\0')
		length += snprintf(text + length, OFFER_BYTES_MAX - (size_t)length, "source %s\n",
				   offer->source);
	return length;
}
