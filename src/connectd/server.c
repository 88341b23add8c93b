/* SPDX-License-Identifier: Apache-2.0 */
/* Serve the compute API and the metadata endpoint over HTTP with libwebsockets. */
#include "connectd/server.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <time.h>

#include <libwebsockets.h>
#include <openssl/crypto.h>
#include <systemd/sd-daemon.h>

#include "connectd/certificate.h"
#include "connectd/web_socket.h"

#define RESPONSE_HEADER_SIZE 1024
/* name=value pairs of one query */
#define ARGUMENTS_MAX 16
/* Private halves that were kept for a retry are overwritten at most so much after they expired. */
#define SWEEP_US (5 * LWS_US_PER_SEC)

typedef void handler(const struct service *service, const struct http_request *request,
		     struct http_response *response);

/* One listener: what it is called, how it answers, how much body it takes. */
struct listener {
	const struct service *service;
	handler *handle;
	size_t body_max;
	uint64_t *answers; /* counted by the class of their status */
	struct web_sockets *sockets; /* NULL: it has none */
};

/* One request in the making; libwebsockets clears it when a connection begins. */
struct session {
	struct http_request request;
	char *body;
	size_t body_length;
	bool too_large;
	bool answered; /* libwebsockets reports the end of a body also where there is none */
	char *answer; /* LWS_PRE bytes and the body */
	size_t answer_length;
};

static struct lws_context *running; /* for the signal handler alone */
static volatile sig_atomic_t stopped, reload_asked;

static void on_signal(int signal_number)
{
	if (signal_number == SIGHUP)
		reload_asked = 1;
	else
		stopped = 1;
	lws_cancel_service(running);
}

static void forget(char **secret, size_t length)
{
	if (*secret != NULL)
		OPENSSL_cleanse(*secret, length);
	free(*secret);
	*secret = NULL;
}

static void clear_session(struct session *session)
{
	forget(&session->body, session->body_length);
	forget(&session->answer, LWS_PRE + session->answer_length);
	memset(session, 0, sizeof *session);
}

static void copy_header(struct lws *wsi, enum lws_token_indexes token, char *out, size_t size)
{
	if (lws_hdr_copy(wsi, out, (int)size, token) < 0)
		out[0] = '\0';
}

/* Empty when it is absent; false when it is there and too long. */
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

/* Read the names that some path takes from the query. False when there is too much of it, or a NUL
 * in it: what comes after one must not count as not there. */
static bool read_arguments(struct lws *wsi, struct http_request *request)
{
	static const char *const names[] = { "user=", "fingerprint=", "nonce=", "limit=" };
	char *const values[] = { request->user, request->fingerprint, request->nonce,
				 request->limit };
	char argument[HEADER_VALUE_SIZE];

	for (int i = 0; i < ARGUMENTS_MAX; i++) {
		int length = lws_hdr_copy_fragment(wsi, argument, sizeof argument,
						   WSI_TOKEN_HTTP_URI_ARGS, i);

		if (length == -1)
			return true;
		if (length < 0 || strlen(argument) != (size_t)length)
			return false;
		for (size_t n = 0; n < sizeof names / sizeof names[0]; n++)
			if (strncmp(argument, names[n], strlen(names[n])) == 0)
				snprintf(values[n], HEADER_VALUE_SIZE, "%s",
					 argument + strlen(names[n]));
	}
	return false;
}

/* Read what the headers say. False when the request line is too long or has a NUL in it. */
static bool read_request(struct lws *wsi, struct http_request *request)
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
	copy_header(wsi, WSI_TOKEN_HTTP_AUTHORIZATION, request->authorization,
		    sizeof request->authorization);
	request->has_metadata_header = custom_header_is(wsi, "x-exc-metadata:", "1");
	request->has_long_idempotency_key = !copy_custom_header(
		wsi, "idempotency-key:", request->idempotency_key, sizeof request->idempotency_key);
	request->is_forwarded = lws_hdr_total_length(wsi, WSI_TOKEN_X_FORWARDED_FOR) > 0;
	if (!read_arguments(wsi, request))
		return false;
	/* A plus that nobody wrote as %2B has become a space, which no fingerprint has. */
	for (char *space = request->fingerprint; (space = strchr(space, ' ')) != NULL;)
		*space = '+';
	return true;
}

/* libwebsockets 4.0, which Debian 11 has, crashes when it is told that there is no type. */
static int start_headers(struct lws *wsi, const struct http_response *response, size_t length,
			 unsigned char **at, unsigned char *end)
{
	unsigned int status = (unsigned int)response->status;

	if (length > 0)
		return lws_add_http_common_headers(
			wsi, status, response->type == NULL ? "application/json" : response->type,
			length, at, end);
	return lws_add_http_header_status(wsi, status, at, end) ||
	       lws_add_http_header_content_length(wsi, 0, at, end);
}

static int add_retry_after(struct lws *wsi, unsigned int seconds, unsigned char **at,
			   unsigned char *end)
{
	char text[16];

	if (seconds == 0)
		return 0;
	snprintf(text, sizeof text, "%u", seconds);
	return lws_add_http_header_by_token(wsi, WSI_TOKEN_HTTP_RETRY_AFTER,
					    (const unsigned char *)text, (int)strlen(text), at,
					    end);
}

static int send_headers(struct lws *wsi, const struct http_response *response, size_t length)
{
	unsigned char buffer[LWS_PRE + RESPONSE_HEADER_SIZE];
	unsigned char *start = buffer + LWS_PRE, *at = start, *end = buffer + sizeof buffer - 1;

	if (start_headers(wsi, response, length, &at, end) ||
	    lws_add_http_header_by_token(wsi, WSI_TOKEN_HTTP_CACHE_CONTROL,
					 (const unsigned char *)"no-store", 8, &at, end) ||
	    add_retry_after(wsi, response->retry_after, &at, end) ||
	    lws_finalize_write_http_header(wsi, start, &at, end))
		return -1;
	return 0;
}

/* Send the headers now and the body when the connection takes it. Non-zero closes the connection.
 */
static int send_response(struct lws *wsi, struct session *session, struct http_response *response)
{
	size_t length = response->body == NULL ? 0 : strlen(response->body);
	int result = send_headers(wsi, response, length);

	if (result == 0 && length > 0) {
		session->answer = malloc(LWS_PRE + length);
		if (session->answer == NULL)
			result = -1;
		else
			memcpy(session->answer + LWS_PRE, response->body, length);
		session->answer_length = length;
	}
	forget(&response->body, length);
	if (result != 0)
		return -1;
	if (length == 0) {
		clear_session(session);
		session->answered = true;
		return lws_http_transaction_completed(wsi) ? -1 : 0;
	}
	lws_callback_on_writable(wsi);
	return 0;
}

static int answer(struct lws *wsi, const struct listener *listener, struct session *session)
{
	struct http_response response = { .status = 500 };

	if (session->answered)
		return 0;
	session->answered = true;
	session->request.body = session->body;
	session->request.body_length = session->body_length;
	if (session->too_large)
		respond_error(&response, 413, "request.too_large", "the body is too large", NULL);
	else
		listener->handle(listener->service, &session->request, &response);
	if (response.status >= 100 && response.status / 100 < METRICS_CLASSES)
		listener->answers[response.status / 100]++;
	return send_response(wsi, session, &response);
}

static int begin(struct lws *wsi, const struct listener *listener, struct session *session)
{
	clear_session(session);
	if (!read_request(wsi, &session->request))
		return -1;
	/* A body follows, and LWS_CALLBACK_HTTP_BODY_COMPLETION after it. */
	if (session->request.method == HTTP_POST || session->request.method == HTTP_PUT) {
		char length[32];

		copy_header(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH, length, sizeof length);
		if (strtoul(length, NULL, 10) > 0)
			return 0;
	}
	return answer(wsi, listener, session);
}

static int take_body(const struct listener *listener, struct session *session, const void *bytes,
		     size_t length)
{
	char *grown;

	if (length > listener->body_max - session->body_length)
		session->too_large = true;
	if (session->too_large || length == 0)
		return 0;
	grown = realloc(session->body, session->body_length + length);
	if (grown == NULL)
		return -1;
	memcpy(grown + session->body_length, bytes, length);
	session->body = grown;
	session->body_length += length;
	return 0;
}

static int send_body(struct lws *wsi, struct session *session)
{
	int written;

	if (session->answer == NULL)
		return 0;
	written = lws_write(wsi, (unsigned char *)session->answer + LWS_PRE, session->answer_length,
			    LWS_WRITE_HTTP_FINAL);
	clear_session(session);
	if (written < 0)
		return -1;
	return lws_http_transaction_completed(wsi) ? -1 : 0;
}

/* Send a refusal whole, headers and body, for there is no later for it; and the status line as
 * well, for libwebsockets has not looked at the request's version yet, and would say 1.0, which
 * clients of WebSockets do not take. Returns what upgrade() does. */
static int refuse_upgrade(struct lws *wsi, const struct listener *listener,
			  struct http_response *response)
{
	const char *body = response->body == NULL ? "" : response->body;
	size_t size = RESPONSE_HEADER_SIZE + strlen(body);
	_cleanup_free_ char *text = malloc(LWS_PRE + size);
	char retry_after[40] = "";
	int result = -1, length;

	if (response->retry_after > 0)
		snprintf(retry_after, sizeof retry_after, "retry-after: %u\r\n",
			 response->retry_after);
	if (text != NULL) {
		length = snprintf(text + LWS_PRE, size,
				  "HTTP/1.1 %d \r\nserver: exc-connectd\r\n"
				  "content-type: application/json\r\ncontent-length: %zu\r\n"
				  "cache-control: no-store\r\nconnection: close\r\n%s\r\n%s",
				  response->status, strlen(body), retry_after, body);
		result = lws_write(wsi, (unsigned char *)text + LWS_PRE, (size_t)length,
				   LWS_WRITE_HTTP_FINAL);
	}
	listener->answers[response->status / 100]++;
	free(response->body);
	/* cppcheck-suppress memleak ; an attribute frees text */
	return result < 0 ? -1 : 1;
}

/* Somebody asks for another protocol: 0 lets libwebsockets go on, 1 says that it was refused. */
static int upgrade(struct lws *wsi, const struct listener *listener, const char *protocol)
{
	struct http_response response = { .status = 500 };
	struct http_request request = { 0 };

	if (strcasecmp(protocol, "websocket") != 0)
		return 0;
	if (!read_request(wsi, &request))
		return -1;
	if (listener->sockets == NULL)
		respond_error(&response, 404, "metadata.not_found", "there are no sockets here",
			      NULL);
	else if (web_socket_admit(listener->sockets, wsi, &request, &response))
		return 0;
	return refuse_upgrade(wsi, listener, &response);
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *bytes,
		    size_t length)
{
	const struct lws_protocols *protocol = lws_get_protocol(wsi);
	const struct listener *listener = protocol == NULL ? NULL : protocol->user;
	int result;

	if (web_socket_event(wsi, reason, bytes, length, &result))
		return result;
	if (listener == NULL)
		return lws_callback_http_dummy(wsi, reason, user, bytes, length);
	switch (reason) {
	case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
		return upgrade(wsi, listener, bytes);
	case LWS_CALLBACK_HTTP:
		return begin(wsi, listener, user);
	case LWS_CALLBACK_HTTP_BODY:
		return take_body(listener, user, bytes, length);
	case LWS_CALLBACK_HTTP_BODY_COMPLETION:
		return answer(wsi, listener, user);
	case LWS_CALLBACK_HTTP_WRITEABLE:
		return send_body(wsi, user);
	case LWS_CALLBACK_CLOSED_HTTP:
		if (user != NULL)
			clear_session(user);
		return 0;
	default:
		return lws_callback_http_dummy(wsi, reason, user, bytes, length);
	}
}

static void log_line(int level, const char *line)
{
	(void)level;
	fprintf(stderr, "exc-connectd: libwebsockets: %s", line);
}

/* WebSockets whose client has gone without a word */
static const lws_retry_bo_t liveness = { .secs_since_valid_ping = WEB_SOCKET_PING_SECONDS,
					 .secs_since_valid_hangup = WEB_SOCKET_DEAD_SECONDS };

/* Listen on one address. NULL, with a line on stderr, when that fails. */
static struct lws_vhost *listen_on(struct lws_context *context,
				   const struct listen_address *address,
				   const struct lws_protocols *protocols, const char *certificate,
				   const char *private_key)
{
	struct lws_context_creation_info info = {
		.port = address->port,
		.iface = address->address,
		.protocols = protocols,
		.vhost_name = protocols[0].name,
		.timeout_secs = SERVER_REQUEST_SECONDS,
		.keepalive_timeout = SERVER_KEEPALIVE_SECONDS,
		.options = LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND,
		/* No HTTP/2, where a WebSocket would come without LWS_CALLBACK_HTTP_CONFIRM_UPGRADE
		 */
		.alpn = "http/1.1",
		.retry_and_idle_policy = &liveness,
	};
	struct lws_vhost *vhost;

	if (strchr(address->address, ':') == NULL)
		info.options |= LWS_SERVER_OPTION_DISABLE_IPV6;
	if (certificate[0] != '\0') {
		info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
		info.ssl_cert_filepath = certificate;
		info.ssl_private_key_filepath = private_key;
	}
	vhost = lws_create_vhost(context, &info);
	if (vhost == NULL)
		fprintf(stderr,
			"exc-connectd: cannot listen on %s port %d: is the address on this machine, the "
			"port free%s?\n",
			address->address, address->port,
			certificate[0] != '\0' ? ", the certificate readable" : "");
	return vhost;
}

static void print_url(const char *name, const struct listen_address *address, bool tls,
		      struct lws_vhost *vhost)
{
	bool ipv6 = strchr(address->address, ':') != NULL;

	printf(" %s %s://%s%s%s:%d", name, tls ? "https" : "http", ipv6 ? "[" : "",
	       address->address, ipv6 ? "]" : "", lws_get_vhost_listen_port(vhost));
}

/* SIGHUP: take the certificate anew. What is not right is said, and the one before stays. */
static void reload(struct lws_context *context, const struct connectd_config *config)
{
	const char *certificate = config->compute_certificate, *key = config->compute_private_key;
	char error[CONNECTD_ERROR_SIZE];

	reload_asked = 0;
	if (certificate[0] == '\0')
		fputs("exc-connectd: SIGHUP: there is no certificate to read\n", stderr);
	else if (!certificate_is_usable(certificate, key, error, sizeof error))
		fprintf(stderr, "exc-connectd: the certificate stays as it was: %s\n", error);
	else if (lws_tls_cert_updated(context, certificate, key, NULL, 0, NULL, 0) != 0)
		fputs("exc-connectd: libwebsockets did not take the certificate\n", stderr);
	else
		fputs("exc-connectd: the certificate was read anew\n", stderr);
}

/* What comes round in time */
struct housekeeping {
	lws_sorted_usec_list_t timer; /* first, for the callback */
	struct lws_context *context;
	struct service_state *state;
};

static void keep_house(lws_sorted_usec_list_t *timer)
{
	struct housekeeping *house = (struct housekeeping *)timer;

	replay_sweep(&house->state->replay, (int64_t)time(NULL));
	vault_sweep(&house->state->vault, (int64_t)time(NULL));
	lws_sul_schedule(house->context, 0, timer, keep_house, SWEEP_US);
}

/* Start both listeners and serve until somebody says stop. */
static int serve(struct lws_context *context, const struct service *service,
		 const struct lws_protocols *compute, const struct lws_protocols *metadata)
{
	const struct connectd_config *config = service->config;
	struct housekeeping house = { .context = context, .state = service->state };
	const struct sigaction action = { .sa_handler = on_signal };
	struct lws_vhost *compute_vhost, *metadata_vhost;
	bool tls = config->compute_certificate[0] != '\0';

	compute_vhost = listen_on(context, &config->compute_listen, compute,
				  config->compute_certificate, config->compute_private_key);
	metadata_vhost = compute_vhost == NULL
				 ? NULL
				 : listen_on(context, &config->metadata_listen, metadata, "", "");
	if (metadata_vhost == NULL)
		return EXIT_FAILURE;
	running = context;
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	printf("exc-connectd:");
	print_url("compute", &config->compute_listen, tls, compute_vhost);
	print_url("metadata", &config->metadata_listen, false, metadata_vhost);
	putchar('\n');
	fflush(stdout);
	sd_notify(0, "READY=1");
	keep_house(&house.timer);
	while (!stopped && lws_service(context, 0) >= 0)
		if (reload_asked)
			reload(context, config);
	sd_notify(0, "STOPPING=1");
	timer_cancel(context, &house.timer);
	return stopped ? EXIT_SUCCESS : EXIT_FAILURE;
}

int server_run(const struct service *service)
{
	struct web_sockets sockets;
	struct listener compute = { service, compute_handle, COMPUTE_BODY_MAX,
				    service->state->metrics.compute_answers, &sockets };
	struct listener metadata = { service, metadata_handle, METADATA_BODY_MAX,
				     service->state->metrics.metadata_answers, NULL };
	/* A WebSocket without a subprotocol is of the first. */
	const struct lws_protocols compute_protocols[] = {
		{ .name = "compute",
		  .callback = on_event,
		  .user = &compute,
		  .per_session_data_size = sizeof(struct session),
		  .rx_buffer_size = WEB_SOCKET_PIECE_MAX },
		{ .name = TERMINAL_SUBPROTOCOL,
		  .callback = on_event,
		  .user = &compute,
		  .per_session_data_size = sizeof(struct session),
		  .rx_buffer_size = WEB_SOCKET_PIECE_MAX },
		{ 0 }
	};
	const struct lws_protocols metadata_protocols[] = { { .name = "metadata",
							      .callback = on_event,
							      .user = &metadata,
							      .per_session_data_size =
								      sizeof(struct session) },
							    { 0 } };
	const rlim_t files_max = SERVER_CONNECTIONS_MAX + SERVER_FILES +
				 service->config->sockets_max * SERVER_FILES_PER_SOCKET;
	const struct rlimit files = { files_max, files_max };
	const struct lws_context_creation_info info = {
		.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS,
		.max_http_header_data2 = SERVER_HEADER_BYTES_MAX,
		.fd_limit_per_thread = SERVER_CONNECTIONS_MAX,
		.pt_serv_buf_size = WEB_SOCKET_PIECE_MAX,
		.server_string = "exc-connectd",
	};
	struct lws_context *context;
	int result = EXIT_FAILURE;

	/* libwebsockets takes tables of as many connections as there may be open files. */
	setrlimit(RLIMIT_NOFILE, &files);
	signal(SIGPIPE, SIG_IGN);
	lws_set_log_level(LLL_ERR | LLL_WARN, log_line);
	context = lws_create_context(&info);
	if (context == NULL) {
		fputs("exc-connectd: libwebsockets cannot start\n", stderr);
		return EXIT_FAILURE;
	}
	if (web_sockets_start(&sockets, service, context))
		result = serve(context, service, compute_protocols, metadata_protocols);
	lws_context_destroy(context);
	web_sockets_stop(&sockets);
	return result;
}
