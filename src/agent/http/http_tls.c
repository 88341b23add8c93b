/* SPDX-License-Identifier: Apache-2.0 */
/* The TLS of a connection to the endpoint: OpenSSL under libevent, verified as HTTPS requires. */
#include "agent/http/http_tls.h"

#include <stdbool.h>

#include <event2/bufferevent_ssl.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/cleanup.h"

DEFINE_CLEANUP(SSL_CTX, SSL_CTX_free);

/* SNI is for names only (RFC 6066 section 3). */
static bool expect(SSL *tls, const struct endpoint *endpoint)
{
	const char *host = endpoint->host;

	if (!endpoint->named)
		return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls), host) == 1;
	return SSL_set1_host(tls, host) == 1 && SSL_set_tlsext_host_name(tls, host) == 1;
}

struct bufferevent *http_tls_new(struct event_base *base, const struct endpoint *endpoint)
{
	_cleanup_(cleanup_SSL_CTX_free) SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	struct bufferevent *connection;
	SSL *tls;

	if (context == NULL || SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
	    SSL_CTX_set_default_verify_paths(context) != 1)
		return NULL;
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
	tls = SSL_new(context);
	if (tls == NULL)
		return NULL;
	if (!expect(tls, endpoint)) {
		SSL_free(tls);
		return NULL;
	}
	connection = bufferevent_openssl_socket_new(base, -1, tls, BUFFEREVENT_SSL_CONNECTING,
						    BEV_OPT_CLOSE_ON_FREE);
	if (connection == NULL)
		SSL_free(tls);
	return connection;
}

const char *http_tls_complaint(struct bufferevent *connection)
{
	SSL *tls = bufferevent_openssl_get_ssl(connection);
	long result = tls == NULL ? X509_V_OK : SSL_get_verify_result(tls);

	return result == X509_V_OK ? NULL : X509_verify_cert_error_string(result);
}
