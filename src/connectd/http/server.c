/* SPDX-License-Identifier: Apache-2.0 */
/* Listen for the compute API and the metadata endpoint, and serve both with libwebsockets. */
#include "connectd/http/server.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <libwebsockets.h>
#include <systemd/sd-daemon.h>

#include "connectd/config/certificate.h"
#include "connectd/http/http_exchange.h"
#include "connectd/socket/web_socket.h"
#include "base/printable.h"

#define LOG_LINE_SIZE 512

/* Private halves kept for a retry are overwritten at most this long after they expired. */
#define SWEEP_US (5 * LWS_US_PER_SEC)

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

static void log_line(int level, const char *line)
{
	char text[LOG_LINE_SIZE];

	(void)level;
	fputs("exc-connectd: libwebsockets: ", stderr);
	/* It may have words of a stranger's. */
	snprintf(text, sizeof text, "%.*s", (int)strcspn(line, "\n"), line);
	printable_put(stderr, text);
	putc('\n', stderr);
}

/* WebSockets whose client has silently gone */
static const lws_retry_bo_t liveness = { .secs_since_valid_ping = WEB_SOCKET_PING_SECONDS,
					 .secs_since_valid_hangup = WEB_SOCKET_DEAD_SECONDS };

/* Listen on one address. NULL, with a message on stderr, when that fails. */
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

/* SIGHUP: read the certificate again. If it is bad, report that and keep the old one. */
static void reload(struct lws_context *context, const struct connectd_config *config)
{
	const char *certificate = config->compute_certificate, *key = config->compute_private_key;
	char error[CONNECTD_ERROR_SIZE];

	reload_asked = 0;
	if (certificate[0] == '\0')
		fputs("exc-connectd: SIGHUP ignored: no certificate is configured\n", stderr);
	else if (!certificate_is_usable(certificate, key, error, sizeof error))
		fprintf(stderr,
			"exc-connectd: cannot use the new certificate, keeping the old one: %s\n",
			error);
	else if (lws_tls_cert_updated(context, certificate, key, NULL, 0, NULL, 0) != 0)
		fputs("exc-connectd: libwebsockets did not accept the certificate\n", stderr);
	else
		fputs("exc-connectd: the certificate was read again\n", stderr);
}

/* Periodic work */
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

/* Start both listeners and serve until a signal to stop. */
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
	/* A WebSocket without a subprotocol uses the first. */
	const struct lws_protocols compute_protocols[] = {
		{ .name = "compute",
		  .callback = exchange_event,
		  .user = &compute,
		  .per_session_data_size = sizeof(struct exchange),
		  .rx_buffer_size = WEB_SOCKET_PIECE_MAX },
		{ .name = TERMINAL_SUBPROTOCOL,
		  .callback = exchange_event,
		  .user = &compute,
		  .per_session_data_size = sizeof(struct exchange),
		  .rx_buffer_size = WEB_SOCKET_PIECE_MAX },
		{ 0 }
	};
	const struct lws_protocols metadata_protocols[] = { { .name = "metadata",
							      .callback = exchange_event,
							      .user = &metadata,
							      .per_session_data_size =
								      sizeof(struct exchange) },
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

	/* libwebsockets allocates its tables for as many connections as there may be open files. */
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
