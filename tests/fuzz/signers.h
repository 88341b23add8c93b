/* SPDX-License-Identifier: Apache-2.0 */
/* Keys, good and bad, that sign what a fuzz target has made up: so that its checks are reached. */
#ifndef EXC_TEST_SIGNERS_H
#define EXC_TEST_SIGNERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What seeds say: when it is, for whom, and the key of which a grant is */
#define SIGNERS_NOW 1800000000
#define SIGNERS_INSTANCE "42"
#define SIGNERS_USER "ubuntu"
#define SIGNERS_FINGERPRINT "SHA256:ZkAslGjFiUHdGf/WUL8rQvkib4PTvQatUV0OUQSncCA"
/* The DNS name in the subjectAltName of some of the certificates */
#define SIGNERS_NAME "signer.example"

/* Who signs. The first three are named by `kid`, as in the enum but in lower case. */
enum signer_number {
	SIGNER_ED25519,
	SIGNER_P256,
	SIGNER_RSA,
	SIGNER_P384, /* in the trust directory, and of no algorithm that is allowed */
	SIGNER_SMALL, /* RSA with 1024 bits */
	SIGNER_STRANGER, /* not in the trust directory; nor are those below, but their CA is */
	SIGNER_CHAIN, /* leaf, intermediate */
	SIGNER_LEAF,
	SIGNER_OTHER_USE, /* a leaf without digitalSignature */
	SIGNER_ANY_USE, /* a leaf without key usage */
	SIGNER_EXPIRED,
	SIGNER_OTHER_AUTHORITY,
	SIGNER_NAMELESS, /* good only where no name is asked for */
	SIGNER_HMAC, /* with the public half as the secret */
	SIGNER_NONE, /* an empty signature */
	SIGNERS
};

/* Make all keys and the trust directory, or only SIGNER_ED25519 and a directory that is read
 * sooner. */
void signers_make(void);
void signers_make_one(void);

/* Owned by this file. */
const char *signers_directory(void);

/* Sign as it is; in the header, the first `@` becomes the signer's x5c chain. The caller frees. */
char *signers_sign(enum signer_number number, const char *header, const uint8_t *payload,
		   size_t length);

/* May anything that it signs ever hold? */
bool signers_may_hold(enum signer_number number, bool name_is_asked);

#endif
