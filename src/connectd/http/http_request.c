/* SPDX-License-Identifier: Apache-2.0 */
/* Read a request's headers from libwebsockets. */
#include "connectd/http/http_request.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/network.h"

#define QUERY_PAIRS_MAX 16

static void copy_header(struct lws *wsi, enum lws_token_indexes token, char *out, size_t size)
{
	if (lws_hdr_copy(wsi, out, (int)size, token) < 0)
		out[0] = '\0';
}

/* Empty when it is absent; false when it is too long. */
static bool copy_custom_header(struct lws *wsi, const char *name, char *out, size_t size)
{
	int length = lws_hdr_custom_length(wsi, name, (int)strlen(name));

	out[0] = '\0';
	return length <= 0 ||
	       lws_hdr_custom_copy(wsi, out, (int)size, name, (int)strlen(name)) == length;
}

static bool custom_header_is(struct lws *wsi, const char *name, const char *expected)
{
	char value[HEADER_VALUE_SIZE];

	return copy_custom_header(wsi, name, value, sizeof value) && strcmp(value, expected) == 0;
}

/* Read the query. False when it is too long or has a NUL: what follows a NUL must not be
 * overlooked. */
static bool read_query(struct lws *wsi, struct query *query)
{
	char pair[QUERY_PAIR_SIZE];

	for (int i = 0; i < QUERY_PAIRS_MAX; i++) {
		int length =
			lws_hdr_copy_fragment(wsi, pair, sizeof pair, WSI_TOKEN_HTTP_URI_ARGS, i);

		if (length == -1)
			return true;
		if (length < 0 || strlen(pair) != (size_t)length || !query_add(query, pair))
			return false;
	}
	return false;
}

bool request_read(struct lws *wsi, struct http_request *request)
{
	static const struct {
		enum lws_token_indexes token;
		enum http_method method;
	} methods[] = { { WSI_TOKEN_GET_URI, HTTP_GET },
			{ WSI_TOKEN_POST_URI, HTTP_POST },
			{ WSI_TOKEN_PUT_URI, HTTP_PUT } };
	const char *peer = request->peer;

	request->method = HTTP_OTHER;
	for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
		int length;

		if (lws_hdr_total_length(wsi, methods[i].token) <= 0)
			continue;
		request->method = methods[i].method;
		length = lws_hdr_copy(wsi, request->path, sizeof request->path, methods[i].token);
		if (length < 0 || strlen(request->path) != (size_t)length)
			return false;
	}
	lws_get_peer_simple(wsi, request->peer, sizeof request->peer);
	if (strncasecmp(peer, "::ffff:", 7) == 0)
		memmove(request->peer, peer + 7, strlen(peer + 7) + 1);
	/* libwebsockets writes IPv6 in its own form; instances are found by the standard one. */
	network_canonical(peer, true, request->peer);
	copy_header(wsi, WSI_TOKEN_HTTP_AUTHORIZATION, request->authorization,
		    sizeof request->authorization);
	request->has_metadata_header = custom_header_is(wsi, "x-exc-metadata:", "1");
	request->has_long_idempotency_key = !copy_custom_header(
		wsi, "idempotency-key:", request->idempotency_key, sizeof request->idempotency_key);
	request->is_forwarded = lws_hdr_total_length(wsi, WSI_TOKEN_X_FORWARDED_FOR) > 0;
	return read_query(wsi, &request->query);
}
