/* SPDX-License-Identifier: Apache-2.0 */
/* A grant: one user's right to log in to one instance with one key for a minute. */
#ifndef EXC_GRANT_GRANT_H
#define EXC_GRANT_GRANT_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include <cjson/cJSON.h>

#include "base/digest.h"
#include "grant/restrict.h"
#include "base/ssh_key.h"
#include "grant/trust.h"
#include "grant/verdict.h"

#define GRANT_TYP "exc-grant+jwt"
#define GRANT_AUDIENCE_PREFIX "exc:compute:instance/"

/* useradd(8) allows 32 characters. */
#define GRANT_USER_SIZE 33
/* 22 characters of base64url, or 32 of hexadecimal, hold the 128 bits that a jti has at least. */
#define GRANT_JTI_MIN 22
#define GRANT_JTI_SIZE 129
#define GRANT_CALLER_SIZE 257
#define GRANT_REQUEST_ID_SIZE 129
#define GRANT_ISSUER_SIZE 257

/* What must be true of a grant here and now. Strings are borrowed. */
struct grant_policy {
	struct trust *trust;
	const char *signer_name; /* or NULL */
	const char *instance_id; /* "42" */
	const char *user; /* the Linux user who logs in */
	const char *fingerprint; /* of the offered key, "SHA256:…" */
	time_t now; /* seconds since 1970 */
	time_t boot; /* when this system started, on the same clock as `now` */
	time_t ledger; /* when its ledger was made, likewise; 0: nothing depends on that */
	unsigned int lifetime_max; /* seconds */
	unsigned int clock_skew; /* seconds */
};

/* All fields are checked and end with NUL. */
struct grant {
	char issuer[GRANT_ISSUER_SIZE];
	char user[GRANT_USER_SIZE];
	char jti[GRANT_JTI_SIZE];
	char caller[GRANT_CALLER_SIZE];
	char request_id[GRANT_REQUEST_ID_SIZE];
	time_t issued; /* seconds since 1970 */
	time_t expires;
	struct ssh_key key;
	char fingerprint[FINGERPRINT_SIZE];
	struct restrictions restrictions;
};

/* May this be the Linux user of a grant? 1 to 32 letters, digits and ._@$+-, not starting with a
 * dot or a dash: names that mean nothing else in a URL, a path, a log or an argument. sshd passes
 * on any name that a client sends. */
bool grant_user_is_valid(const char *user);

/* Are these claims meant for this instance? `aud` is one string, never a list. */
bool grant_audience_is(const cJSON *claims, const char *instance_id);

/* Verify `length` bytes of compact JWS, checking in the order of the specification: size, encoding,
 * header, signature, audience, user, times, key, restrictions. The ledger decides whether it was
 * used already. Any verdict but GRANT_OK means that the grant is worthless; `grant` then holds jti,
 * caller and request_id for the journal if the signature was good and they are well-formed, and
 * empty strings otherwise; and, when the verdict is about the time, issued and expires. */
enum grant_verdict grant_verify(const char *text, size_t length, const struct grant_policy *policy,
				struct grant *grant);

#endif
