/* SPDX-License-Identifier: Apache-2.0 */
/* Carry bytes between two descriptors and a WebSocket of the control plane (RFC 6455). */
#include "cli/api/websocket.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <libwebsockets.h>
#include <openssl/crypto.h>

#include "cli/terminal/say.h"

/* "Bearer " and the token */
#define AUTHORIZATION_SIZE (TOKEN_SIZE + 8)
/* Our descriptors, and libwebsockets' own */
#define DESCRIPTORS_MAX 32
#define NAME_NETWORK "network"
#define NAME_INPUT "input"
#define NAME_SIGNALS "signals"
#define REASON_SIZE 128

struct carrier {
	const struct websocket_job *job;
	struct lws *network;
	struct lws *input;
	unsigned char buffer[LWS_PRE + WEBSOCKET_CHUNK_BYTES + 1];
	int signals; /* signalfd(2) */
	size_t pending; /* bytes in buffer, after LWS_PRE */
	bool asked; /* the token is sent once */
	bool opened;
	bool input_ended; /* nothing more can be read */
	bool ending; /* close when nothing is pending */
	bool ended;
	bool failed;
	char reason[REASON_SIZE]; /* the peer's, for closing */
};

static struct carrier *carrier_of(struct lws *wsi)
{
	return lws_context_user(lws_get_context(wsi));
}

/* While a slow output blocks, nothing is read from the peer, so that it waits. */
static bool write_all(int fd, const unsigned char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t written = write(fd, bytes, length);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return false;
		bytes += written;
		length -= (size_t)written;
	}
	return true;
}

static int send_token(struct carrier *carrier, struct lws *wsi, unsigned char **at,
		      unsigned char *end)
{
	char text[AUTHORIZATION_SIZE];
	int result;

	/* A second time would be for another server, to which this one redirects us. */
	if (carrier->asked)
		return -1;
	carrier->asked = true;
	snprintf(text, sizeof text, "Bearer %s", carrier->job->account->token);
	result = lws_add_http_header_by_token(wsi, WSI_TOKEN_HTTP_AUTHORIZATION,
					      (unsigned char *)text, (int)strlen(text), at, end);
	OPENSSL_cleanse(text, sizeof text);
	return result == 0 ? 0 : -1;
}

/* Read what is there, once, if there is room for it. */
static void read_input(struct carrier *carrier)
{
	const struct websocket_job *job = carrier->job;
	unsigned char bytes[WEBSOCKET_CHUNK_BYTES], *out = carrier->buffer + LWS_PRE;
	ssize_t got = read(job->input, job->filter == NULL ? out : bytes, WEBSOCKET_CHUNK_BYTES);

	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (got <= 0) {
		carrier->input_ended = true;
		carrier->ending |= !job->outlives_input;
		return;
	}
	carrier->pending = (size_t)got;
	if (job->filter != NULL)
		carrier->pending =
			job->filter(job->context, bytes, (size_t)got, out, &carrier->ending);
}

/* Send what is pending; then continue reading, or close if that is next. */
static int send_pending(struct carrier *carrier, struct lws *wsi)
{
	if (carrier->pending > 0) {
		if (lws_write(wsi, carrier->buffer + LWS_PRE, carrier->pending, LWS_WRITE_BINARY) <
		    (int)carrier->pending)
			return -1;
		carrier->pending = 0;
	}
	if (carrier->ending) {
		lws_close_reason(wsi, LWS_CLOSE_STATUS_NORMAL, NULL, 0);
		return -1;
	}
	if (carrier->input != NULL) {
		lws_rx_flow_control(carrier->input, 1);
	} else if (!carrier->input_ended) {
		/* The writer has hung up, and reading the rest does not block. */
		read_input(carrier);
		lws_callback_on_writable(wsi);
	}
	return 0;
}

static void carrier_begin(struct carrier *carrier)
{
	carrier->opened = true;
	if (carrier->job->opened != NULL)
		carrier->job->opened(carrier->job->context);
	lws_callback_on_writable(carrier->network);
}

static void say_refused(const struct carrier *carrier, struct lws *wsi, const char *why)
{
	unsigned int status = lws_http_client_http_response(wsi);

	if (status == 401)
		say("the control plane does not know this token; run exc login");
	else if (status == 403 || status == 404)
		say("the control plane refused %s (HTTP status %u): you may not use it on this "
		    "VM, or the VM has none; ask your administrator",
		    carrier->job->what, status);
	else if (status == 503)
		say("cannot open %s now (HTTP status 503): the VM may be off, or someone else "
		    "has it open; try again",
		    carrier->job->what);
	else if (status >= 300)
		say("the control plane refused %s (HTTP status %u)", carrier->job->what, status);
	else
		say("%s: cannot open %s: %s", carrier->job->account->endpoint.url,
		    carrier->job->what, why == NULL ? "no answer" : why);
}

/* A two-byte code and text (RFC 6455 section 5.5.1). 1000 and 1001 are normal ends. */
static void take_close(struct carrier *carrier, const unsigned char *bytes, size_t length)
{
	unsigned int code = length < 2 ? 1000 : 256U * bytes[0] + bytes[1];
	size_t text = length < 2 ? 0 : length - 2;

	if (code == 1000 || code == 1001)
		return;
	snprintf(carrier->reason, sizeof carrier->reason, "%u %.*s", code,
		 (int)(text < 100 ? text : 100), (const char *)bytes + 2);
}

static int on_network(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
		      size_t length)
{
	struct carrier *carrier = carrier_of(wsi);

	(void)user;
	switch (reason) {
	case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
		return send_token(carrier, wsi, in, *(unsigned char **)in + length);
	case LWS_CALLBACK_CLIENT_ESTABLISHED:
		carrier_begin(carrier);
		return 0;
	case LWS_CALLBACK_CLIENT_RECEIVE:
		if (write_all(carrier->job->output, in, length))
			return 0;
		carrier->ended = true;
		return -1;
	case LWS_CALLBACK_CLIENT_WRITEABLE:
		return send_pending(carrier, wsi);
	case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
		take_close(carrier, in, length);
		return 0;
	case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
		say_refused(carrier, wsi, in);
		carrier->ended = carrier->failed = true;
		return 0;
	case LWS_CALLBACK_CLIENT_CLOSED:
		carrier->ended = true;
		carrier->network = NULL;
		return 0;
	default:
		return 0;
	}
}

static int take_input(struct carrier *carrier, struct lws *wsi)
{
	/* Nothing is read before there is room for it. */
	lws_rx_flow_control(wsi, 0);
	if (!carrier->opened || carrier->pending > 0 || carrier->ending)
		return 0;
	read_input(carrier);
	if (carrier->network != NULL)
		lws_callback_on_writable(carrier->network);
	return carrier->input_ended ? -1 : 0;
}

static int on_input(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
		    size_t length)
{
	struct carrier *carrier = carrier_of(wsi);

	(void)user, (void)in, (void)length;
	if (reason == LWS_CALLBACK_RAW_RX_FILE)
		return take_input(carrier, wsi);
	if (reason == LWS_CALLBACK_RAW_CLOSE_FILE) {
		carrier->input = NULL;
		if (carrier->opened && carrier->network != NULL)
			lws_callback_on_writable(carrier->network);
	}
	return 0;
}

/* SIGINT, SIGTERM or SIGHUP: close the connection in order, and at the second just quit. */
static int on_signal(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
		     size_t length)
{
	struct carrier *carrier = carrier_of(wsi);
	struct signalfd_siginfo ignored;

	(void)user, (void)in, (void)length;
	if (reason != LWS_CALLBACK_RAW_RX_FILE ||
	    read(carrier->signals, &ignored, sizeof ignored) <= 0)
		return 0;
	carrier->ended |= carrier->ending || !carrier->opened;
	carrier->ending = true;
	if (carrier->network != NULL)
		lws_callback_on_writable(carrier->network);
	return 0;
}

static int signals_descriptor(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* libwebsockets closes what it has adopted: it gets a duplicate. NULL when that fails. */
static struct lws *adopt(struct lws_context *context, int fd, const char *name)
{
	lws_sock_file_fd_type descriptor = { .filefd = dup(fd) };

	if (descriptor.filefd < 0)
		return NULL;
	return lws_adopt_descriptor_vhost(lws_get_vhost_by_name(context, "default"),
					  LWS_ADOPT_RAW_FILE_DESC, descriptor, name, NULL);
}

static struct lws_context *make_context(struct carrier *carrier)
{
	static const struct lws_protocols protocols[] = {
		{ .name = NAME_NETWORK,
		  .callback = on_network,
		  .rx_buffer_size = WEBSOCKET_CHUNK_BYTES },
		{ .name = NAME_INPUT, .callback = on_input },
		{ .name = NAME_SIGNALS, .callback = on_signal },
		{ .name = NULL },
	};
	struct lws_context_creation_info info = {
		.port = CONTEXT_PORT_NO_LISTEN,
		.protocols = protocols,
		/* NOLINTNEXTLINE(bugprone-narrowing-conversions): some have int here */
		.gid = (gid_t)-1,
		/* NOLINTNEXTLINE(bugprone-narrowing-conversions): the same */
		.uid = (uid_t)-1,
		.fd_limit_per_thread = DESCRIPTORS_MAX,
		.timeout_secs = WEBSOCKET_CONNECT_SECONDS,
		.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT,
		.client_ssl_ca_filepath = carrier->job->account->cacert,
		.user = carrier,
	};

	lws_set_log_level(0, NULL);
	/* A company's proxy may lead to the control plane, but never to this machine. */
	if (carrier->job->account->endpoint.loopback)
		unsetenv("http_proxy");
	return lws_create_context(&info);
}

static bool open_socket(struct carrier *carrier, struct lws_context *context)
{
	static const lws_retry_bo_t patience = { .secs_since_valid_ping = WEBSOCKET_PING_SECONDS,
						 .secs_since_valid_hangup =
							 WEBSOCKET_HANGUP_SECONDS };
	const struct endpoint *endpoint = &carrier->job->account->endpoint;
	char path[2 * ENDPOINT_SIZE], host[ENDPOINT_HOST_SIZE + 16];
	bool six = strchr(endpoint->host, ':') != NULL;
	struct lws_client_connect_info info = {
		.context = context,
		.address = endpoint->host,
		.port = (int)endpoint->port,
		.ssl_connection = endpoint->tls ? LCCSCF_USE_SSL : 0,
		.path = path,
		.host = host,
		.alpn = "http/1.1",
		.ietf_version_or_minus_one = -1,
		.local_protocol_name = NAME_NETWORK,
		.retry_and_idle_policy = &patience,
		.pwsi = &carrier->network,
	};

	snprintf(path, sizeof path, "%s%s", endpoint->prefix, carrier->job->path);
	snprintf(host, sizeof host, "%s%s%s:%u", six ? "[" : "", endpoint->host, six ? "]" : "",
		 endpoint->port);
	return lws_client_connect_via_info(&info) != NULL;
}

static bool carrier_start(struct carrier *carrier, struct lws_context *context)
{
	carrier->input = adopt(context, carrier->job->input, NAME_INPUT);
	return carrier->input != NULL && adopt(context, carrier->signals, NAME_SIGNALS) != NULL &&
	       (open_socket(carrier, context) || carrier->failed);
}

bool websocket_run(const struct websocket_job *job)
{
	struct carrier *carrier = calloc(1, sizeof *carrier);
	struct lws_context *context = NULL;
	int signals = signals_descriptor();
	bool good = false;

	if (carrier != NULL) {
		carrier->job = job;
		carrier->signals = signals;
		context = make_context(carrier);
	}
	if (context == NULL || signals < 0 || !carrier_start(carrier, context)) {
		say("cannot open %s: libwebsockets does not start", job->what);
	} else {
		/* Until either end stops; the policy above drops a peer that is gone. */
		while (!carrier->ended && lws_service(context, 0) >= 0)
			;
		good = carrier->opened && carrier->reason[0] == '\0';
		if (carrier->reason[0] != '\0')
			say("the control plane ended %s: %s", job->what, carrier->reason);
	}
	if (context != NULL)
		lws_context_destroy(context);
	if (signals >= 0)
		close(signals);
	if (carrier != NULL)
		OPENSSL_cleanse(carrier, sizeof *carrier);
	free(carrier);
	return good;
}
