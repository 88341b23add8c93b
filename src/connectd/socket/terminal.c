/* SPDX-License-Identifier: Apache-2.0 */
/* GET /compute/instance/connect/ws/:id: a terminal on the instance, by ssh.
 *
 * Without a subprotocol, the shell's output is sent as text where it is UTF-8 and as binary where
 * it is not; a client that sends binary gets binary only. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "connectd/socket/ssh_client.h"
#include "base/utf8.h"
#include "connectd/socket/terminal_frame.h"
#include "connectd/socket/web_socket.h"

/* What ssh logs at LogLevel=VERBOSE once the key has been used; unchanged since 2001 */
#define AUTHENTICATED "Authenticated to "
/* Bytes that are read of one line of ssh's log */
#define LINE_SIZE 512
/* ssh makes its terminal raw right after that, without an event: poll this often, this many times
 */
#define RAW_POLL_US (10 * LWS_US_PER_MS)
#define RAW_POLLS_MAX 500
#define SSH_FAILED 255
#define SSH_SAYS "ssh: "

struct terminal {
	struct web_socket *socket;
	struct ssh_client ssh;
	struct child *child; /* NULL when ssh has ended */
	int status; /* ssh's, then */
	struct watch log;
	char line[LINE_SIZE], problem[LINE_SIZE]; /* the line being read, and the last one before
						     the key was used */
	size_t line_length;
	bool is_authenticated, is_drained, has_sent_status;
	lws_sorted_usec_list_t raw_timer;
	unsigned int raw_polls;
	bool is_framed; /* the subprotocol */
	struct terminal_reader reader;
	bool wants_binary;
	unsigned char split[WEB_SOCKET_HEAD]; /* the beginning of a character */
	size_t split_length;
};

/* Release the client's bytes to ssh once it passes them on. */
static void poll_raw(lws_sorted_usec_list_t *timer)
{
	struct terminal *terminal = lws_container_of(timer, struct terminal, raw_timer);

	if (ssh_client_is_raw(&terminal->ssh) || terminal->raw_polls++ >= RAW_POLLS_MAX)
		relay_release(&terminal->socket->relay);
	else
		lws_sul_schedule(terminal->socket->all->context, 0, timer, poll_raw, RAW_POLL_US);
}

static void take_line(struct terminal *terminal)
{
	const char *line = terminal->line;

	if (line[0] == '\0' || terminal->is_authenticated)
		return;
	if (strncmp(line, AUTHENTICATED, strlen(AUTHENTICATED)) != 0) {
		memcpy(terminal->problem, line, sizeof terminal->problem);
		return;
	}
	terminal->is_authenticated = true;
	ssh_client_forget(&terminal->ssh);
	poll_raw(&terminal->raw_timer);
}

static void take_log(struct terminal *terminal, const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (bytes[i] != '\n' && bytes[i] != '\r') {
			if (terminal->line_length < sizeof terminal->line - 1)
				terminal->line[terminal->line_length++] = bytes[i];
			continue;
		}
		terminal->line[terminal->line_length] = '\0';
		take_line(terminal);
		terminal->line_length = 0;
	}
}

static void on_log(struct watch *watch, uint32_t events)
{
	struct terminal *terminal = lws_container_of(watch, struct terminal, log);
	char bytes[LINE_SIZE];
	ssize_t length = read(watch->fd, bytes, sizeof bytes);

	(void)events;
	if (length > 0)
		take_log(terminal, bytes, (size_t)length);
	else if (length == 0 || (errno != EAGAIN && errno != EINTR))
		watch_end(&terminal->socket->all->watcher, watch);
}

/* Once all of the shell's output is sent and ssh has ended: report how. */
static void terminal_end(struct terminal *terminal)
{
	struct web_socket *socket = terminal->socket;
	const char *problem = terminal->problem;

	/* Some of its lines have this prefix already. */
	if (strncmp(problem, SSH_SAYS, strlen(SSH_SAYS)) == 0)
		problem += strlen(SSH_SAYS);
	if (terminal->is_authenticated)
		web_socket_end(socket, LWS_CLOSE_STATUS_NORMAL, "exit status %d", terminal->status);
	else
		web_socket_end(socket, LWS_CLOSE_STATUS_UNEXPECTED_CONDITION, SSH_SAYS "%s",
			       problem[0] == '\0' ? "ended without a message" : problem);
}

static void on_ended(void *context, int status)
{
	struct terminal *terminal = context;

	terminal->child = NULL;
	terminal->status = WIFEXITED(status) ? WEXITSTATUS(status) : SSH_FAILED;
	/* Its last message is in the pipe. */
	while (terminal->log.fd >= 0 && terminal->log.events != 0) {
		char bytes[LINE_SIZE];
		ssize_t length = read(terminal->log.fd, bytes, sizeof bytes);

		if (length <= 0)
			break;
		take_log(terminal, bytes, (size_t)length);
	}
	ssh_client_forget(&terminal->ssh);
	lws_callback_on_writable(terminal->socket->wsi);
}

static bool start_ssh(struct terminal *terminal)
{
	struct web_socket *socket = terminal->socket;
	const struct instance *instance = &socket->admission.instance;
	const struct ssh_target target = { .host = instance->host,
					   .port = instance->port,
					   .user = socket->admission.user,
					   .host_keys = instance->host_keys };

	if (!ssh_client_start(&terminal->ssh, &target, socket->admission.private_key))
		return false;
	terminal->log.fd = terminal->ssh.log;
	terminal->child = child_add(&socket->all->children, terminal->ssh.pid, on_ended, terminal);
	return relay_open(&socket->relay, terminal->ssh.terminal) && terminal->child != NULL &&
	       watch_set(&socket->all->watcher, &terminal->log, EPOLLIN);
}

static void terminal_start(struct web_socket *socket)
{
	struct terminal *terminal = calloc(1, sizeof *terminal);
	const struct lws_protocols *protocol = lws_get_protocol(socket->wsi);
	bool has_started = false;

	socket->own = terminal;
	if (terminal != NULL) {
		terminal->socket = socket;
		terminal->is_framed = strcmp(protocol->name, TERMINAL_SUBPROTOCOL) == 0;
		terminal->log = (struct watch){ .fd = -1, .ready = on_log };
		terminal->ssh.key.fd = terminal->ssh.known_hosts.fd = -1;
		has_started = start_ssh(terminal);
	}
	OPENSSL_cleanse(socket->admission.private_key, sizeof socket->admission.private_key);
	if (!has_started)
		web_socket_end(socket, LWS_CLOSE_STATUS_UNEXPECTED_CONDITION,
			       "cannot start ssh: out of memory or file descriptors");
}

static void take_framed(struct terminal *terminal, const struct piece *piece)
{
	struct web_socket *socket = terminal->socket;
	struct terminal_input input;

	switch (terminal_read(&terminal->reader, piece->bytes, piece->length, piece->is_first,
			      piece->is_last, &input)) {
	case TERMINAL_NOTHING:
		return;
	case TERMINAL_BYTES:
		relay_take(&socket->relay, input.data, input.length);
		return;
	case TERMINAL_RESIZED:
		if (socket->relay.watch.fd >= 0)
			ssh_client_resize(&terminal->ssh, input.columns, input.rows);
		return;
	case TERMINAL_WRONG:
		break;
	}
	web_socket_end(socket, LWS_CLOSE_STATUS_PROTOCOL_ERR,
		       "this is not a message of " TERMINAL_SUBPROTOCOL);
}

static void terminal_take(struct web_socket *socket, const struct piece *piece)
{
	struct terminal *terminal = socket->own;

	if (terminal->is_framed && piece->is_text) {
		web_socket_end(socket, LWS_CLOSE_STATUS_UNACCEPTABLE_OPCODE,
			       TERMINAL_SUBPROTOCOL " has binary messages only");
	} else if (terminal->is_framed) {
		take_framed(terminal, piece);
	} else {
		terminal->wants_binary = terminal->wants_binary || !piece->is_text;
		relay_take(&socket->relay, piece->bytes, piece->length);
	}
}

/* The terminal has nothing more. */
static void fill_end(struct terminal *terminal, struct message *message)
{
	terminal->is_drained = true;
	if (terminal->split_length > 0) {
		memcpy(message->bytes, terminal->split, terminal->split_length);
		message->length = terminal->split_length;
		terminal->split_length = 0;
	} else if (terminal->child != NULL) {
		return; /* on_ended() comes back here */
	} else if (terminal->is_framed && terminal->is_authenticated &&
		   !terminal->has_sent_status) {
		terminal->has_sent_status = true;
		terminal_write_exit(message->bytes, (uint32_t)terminal->status);
		message->length = TERMINAL_EXIT_BYTES;
	} else {
		terminal_end(terminal);
	}
}

static void fill_framed(struct terminal *terminal, struct message *message)
{
	ssize_t length = relay_read(&terminal->socket->relay, message->bytes + 1, WEB_SOCKET_CHUNK);

	message->bytes[0] = TERMINAL_DATA;
	if (length > 0)
		message->length = 1 + (size_t)length;
	else if (length < 0)
		fill_end(terminal, message);
}

/* Decide how to send `length` bytes; the beginning of a character waits for its rest. */
static void choose_type(struct terminal *terminal, struct message *message, size_t length)
{
	size_t whole = length;
	enum utf8_verdict verdict =
		terminal->wants_binary ? UTF8_NOT : utf8_check(message->bytes, length, &whole);

	message->is_text = verdict != UTF8_NOT;
	message->length = verdict == UTF8_SPLIT ? whole : length;
	terminal->split_length = length - message->length;
	memcpy(terminal->split, message->bytes + message->length, terminal->split_length);
}

static void fill_raw(struct terminal *terminal, struct message *message)
{
	size_t before = terminal->split_length;
	ssize_t length;

	memcpy(message->bytes, terminal->split, before);
	length = relay_read(&terminal->socket->relay, message->bytes + before, WEB_SOCKET_CHUNK);
	if (length < 0) {
		fill_end(terminal, message);
		return;
	}
	if (length == 0)
		return;
	choose_type(terminal, message, before + (size_t)length);
	if (message->length == 0)
		lws_callback_on_writable(terminal->socket->wsi); /* the rest may be there already */
}

static void terminal_fill(struct web_socket *socket, struct message *message)
{
	struct terminal *terminal = socket->own;

	if (terminal == NULL)
		return;
	if (terminal->is_drained)
		fill_end(terminal, message);
	else if (terminal->is_framed)
		fill_framed(terminal, message);
	else
		fill_raw(terminal, message);
}

static void terminal_stop(struct web_socket *socket)
{
	struct terminal *terminal = socket->own;

	if (terminal == NULL)
		return;
	timer_cancel(socket->all->context, &terminal->raw_timer);
	watch_end(&socket->all->watcher, &terminal->log);
	ssh_client_forget(&terminal->ssh);
	if (terminal->child != NULL)
		child_leave(terminal->child);
	OPENSSL_cleanse(terminal, sizeof *terminal);
	free(terminal);
}

const struct web_socket_kind terminal_kind = { .has_idle_limit = true,
					       .start = terminal_start,
					       .take = terminal_take,
					       .fill = terminal_fill,
					       .stop = terminal_stop };
