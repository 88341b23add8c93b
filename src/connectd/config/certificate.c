/* SPDX-License-Identifier: Apache-2.0 */
/* The compute API's certificate: are the files usable? */
#include "connectd/config/certificate.h"

#include <stdio.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

bool certificate_is_usable(const char *certificate, const char *private_key, char *error,
			   size_t size)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	const char *wrong = NULL, *reason;

	if (context == NULL)
		wrong = "no memory";
	else if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1)
		wrong = certificate;
	else if (SSL_CTX_use_PrivateKey_file(context, private_key, SSL_FILETYPE_PEM) != 1)
		/* Also for another certificate's key */
		wrong = private_key;
	if (wrong != NULL) {
		reason = ERR_reason_error_string(ERR_peek_last_error());
		snprintf(error, size, "%s: %s", wrong, reason == NULL ? "cannot be read" : reason);
	}
	SSL_CTX_free(context);
	ERR_clear_error();
	return wrong == NULL;
}
