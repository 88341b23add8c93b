/* SPDX-License-Identifier: Apache-2.0 */
/* What sshd asks its AuthorizedKeysCommand: may this key log in as this user? */
#ifndef EXC_KEY_QUERY_H
#define EXC_KEY_QUERY_H

/* As sshd passed it; all borrowed. key_type and key are NULL when it passed none. */
struct key_query {
	const char *user;
	const char *fingerprint; /* "SHA256:…", or "MD5:…" with FingerprintHash md5 */
	const char *key_type;
	const char *key; /* base64 */
};

#endif
