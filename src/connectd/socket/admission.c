/* SPDX-License-Identifier: Apache-2.0 */
/* May this request become a WebSocket, and what is it connected to? */
#include "connectd/socket/admission.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/crypto.h>

#include "connectd/socket/console_device.h"
#include "connectd/config/origin.h"
#include "connectd/store/audit_trail.h"

/* One request being checked */
struct entry {
	struct call *call;
	const struct upgrade *upgrade;
	struct admission *admission;
	struct connect_session session;
	const char *id; /* the last part of the path */
	int64_t now;
};

static bool find_kind(struct entry *entry)
{
	static const char *const prefixes[SOCKET_KINDS] = { "/compute/instance/connect/ws/",
							    "/compute/instance/connect/tunnel/",
							    "/compute/instance/console/ws/" };
	const char *path = entry->call->request->path;

	for (int kind = 0; kind < SOCKET_KINDS; kind++) {
		size_t length = strlen(prefixes[kind]);

		if (strncmp(path, prefixes[kind], length) != 0 || path[length] == '\0' ||
		    strchr(path + length, '/') != NULL)
			continue;
		entry->admission->kind = (enum socket_kind)kind;
		entry->id = path + length;
		return true;
	}
	call_refuse(entry->call, 404, "compute.not_found", "no socket at this path");
	return false;
}

static bool check_origin(const struct entry *entry)
{
	const struct upgrade *upgrade = entry->upgrade;

	if (!upgrade->has_long_header &&
	    origin_is_allowed(upgrade->origin, entry->call->service->config->allowed_origins,
			      upgrade->host, upgrade->is_tls))
		return true;
	call_refuse(entry->call, 403, "compute.origin.forbidden",
		    "pages of this origin may not open sockets here; the operator can add it "
		    "to allowed_origins");
	return false;
}

/* Does a list, separated by commas, have this token? */
static bool has_token(const char *list, const char *token)
{
	static const char separators[] = ", \t";

	for (list += strspn(list, separators); *list != '\0'; list += strspn(list, separators)) {
		size_t length = strcspn(list, separators);

		if (length == strlen(token) && strncmp(list, token, length) == 0)
			return true;
		list += length;
	}
	return false;
}

/* libwebsockets hangs up on a subprotocol that it does not know; this says why. */
static bool check_subprotocol(const struct entry *entry)
{
	const char *list = entry->upgrade->subprotocols;

	if (list[0] == '\0' ||
	    (entry->admission->kind == SOCKET_TERMINAL && has_token(list, TERMINAL_SUBPROTOCOL)))
		return true;
	call_refuse(entry->call, 400, "compute.socket.subprotocol",
		    "a terminal has the subprotocol " TERMINAL_SUBPROTOCOL
		    " or none, a tunnel and a console have none");
	return false;
}

static bool refuse_session(const struct entry *entry, enum session_state state)
{
	switch (state) {
	case SESSION_LIVE:
		return false;
	case SESSION_UNKNOWN:
		call_refuse(entry->call, 404, "compute.session.not_found",
			    "no such session; ask for one: POST /compute/instance/connect");
		return true;
	case SESSION_USED:
		call_refuse(entry->call, 409, "compute.session.used",
			    "this session was used already; ask for a new one");
		return true;
	case SESSION_EXPIRED:
		call_refuse(entry->call, 410, "compute.session.expired",
			    "this session has ended; ask for a new one");
		return true;
	case SESSION_UNREADABLE:
		break;
	}
	call_refuse(entry->call, 503, CALL_UNAVAILABLE, "cannot read the database");
	return true;
}

/* The session is the credential. A token is optional, and checked if sent. */
static bool check_caller(struct entry *entry)
{
	struct call *call = entry->call;

	call->caller = entry->session.caller;
	if (!entry->upgrade->has_authorization)
		return call_within_rate(call, &call->service->state->by_principal,
					call->caller.principal);
	if (!call_identify(call))
		return false;
	if (strcmp(call->caller.principal, entry->session.caller.principal) == 0)
		return true;
	call_refuse(call, 403, "compute.session.forbidden",
		    "this session belongs to another principal than the token");
	return false;
}

/* ssh in the terminal needs a key that we hold, and host keys that need no confirmation. */
static bool check_terminal(const struct entry *entry)
{
	const struct admission *admission = entry->admission;

	if (cJSON_GetArraySize(admission->instance.host_keys) == 0) {
		call_refuse(entry->call, 409, "compute.instance.no_host_keys",
			    "no host keys are known for this instance, so its identity cannot "
			    "be verified; register them, or have the guest publish them");
		return false;
	}
	if (vault_has(&entry->call->service->state->vault, entry->session.hash, entry->now))
		return true;
	call_refuse(
		entry->call, 409, "compute.session.no_private_key",
		"the server does not have this session's private key: the caller sent its own key, or the "
		"server has restarted; ask without public_key, or use the tunnel");
	return false;
}

static bool check_session(struct entry *entry)
{
	struct call *call = entry->call;
	struct admission *admission = entry->admission;
	enum session_state state =
		session_find(call->service->store, entry->id, entry->now, &entry->session);

	call->caller = entry->session.caller;
	snprintf(call->vm_id, sizeof call->vm_id, "%s", entry->session.vm_id);
	snprintf(call->user, sizeof call->user, "%s", entry->session.user);
	if (refuse_session(entry, state) || !check_caller(entry) ||
	    !call_authorize(call, IAM_CONNECT, &admission->instance))
		return false;
	/* The one that it is for is gone, and another has its name. */
	if (admission->instance.id != entry->session.instance)
		return !refuse_session(entry, SESSION_UNKNOWN);
	snprintf(admission->user, sizeof admission->user, "%s", entry->session.user);
	snprintf(admission->jti, sizeof admission->jti, "%s", entry->session.jti);
	snprintf(admission->fingerprint, sizeof admission->fingerprint, "%s",
		 entry->session.fingerprint);
	return admission->kind != SOCKET_TERMINAL || check_terminal(entry);
}

static bool check_console(struct entry *entry)
{
	struct call *call = entry->call;

	snprintf(call->vm_id, sizeof call->vm_id, "%s", entry->id);
	if (!iam_name_is_valid(entry->id, sizeof call->vm_id)) {
		call->vm_id[0] = '\0';
		call_refuse(call, 404, "compute.not_found", "no such instance");
		return false;
	}
	if (!call_identify(call) || !call_authorize(call, IAM_CONSOLE, &entry->admission->instance))
		return false;
	if (entry->admission->instance.console[0] != '\0')
		return true;
	call_refuse(call, 404, "compute.console.none", "this instance has no serial console");
	return false;
}

static bool take_seat(struct entry *entry)
{
	struct call *call = entry->call;
	struct admission *admission = entry->admission;

	switch (seat_take(&call->service->state->seats, admission->kind, call->caller.principal,
			  call->vm_id, &admission->seat)) {
	case SEAT_TAKEN:
		return true;
	case SEAT_CONSOLE_BUSY:
		call_refuse(call, 409, "compute.console.busy",
			    "this console is open already, and allows one client at a time");
		return false;
	case SEAT_NONE_FOR_PRINCIPAL:
		call_refuse(call, 429, "compute.sockets.full",
			    "this principal has reached its limit of open sockets; close one");
		return false;
	case SEAT_NONE:
		break;
	}
	call_refuse(call, 429, "compute.sockets.full",
		    "the server has reached its limit of open sockets; try again later");
	return false;
}

static bool open_console(struct entry *entry)
{
	const char *problem = NULL;

	entry->admission->console = console_open(entry->admission->instance.console, &problem);
	if (entry->admission->console >= 0)
		return true;
	call_refuse(entry->call, 503, "compute.console.unreachable", problem);
	return false;
}

static bool append_row(const struct service *service, const struct admission *admission,
		       const char *reason)
{
	const struct trail_row row = { .event = socket_kind_name(admission->kind),
				       .caller = admission->caller.principal,
				       .org = admission->caller.org,
				       .token_id = admission->caller.token_id,
				       .user = admission->user,
				       .vm_id = admission->instance.vm_id,
				       .instance = admission->instance.id,
				       .jti = admission->jti,
				       .fingerprint = admission->fingerprint,
				       .decision = admission->decision.why,
				       .reason = reason,
				       .source = admission->source,
				       .request_id = admission->request_id };

	return trail_append(service->store, &row);
}

/* Take the session, if there is one, and record in the trail that the socket opens: both or
 * neither. */
static bool take_and_note(struct entry *entry, bool *is_late)
{
	const struct store *store = entry->call->service->store;
	bool has_session = entry->admission->kind != SOCKET_CONSOLE;

	if (!store_begin(store))
		return false;
	*is_late = has_session && !session_take(store, &entry->session, entry->now);
	return store_end(store,
			 !*is_late && append_row(entry->call->service, entry->admission, "opened"));
}

static bool store_opening(struct entry *entry)
{
	bool is_late = false;

	if (take_and_note(entry, &is_late))
		return true;
	if (is_late)
		refuse_session(entry, SESSION_USED);
	else
		respond_error(entry->call->response, 503, CALL_UNAVAILABLE,
			      "cannot write the audit trail, so nothing is opened; try again",
			      entry->call->request_id);
	return false;
}

static void fill_admission(struct entry *entry)
{
	struct admission *admission = entry->admission;
	const struct call *call = entry->call;

	admission->caller = call->caller;
	admission->decision = call->decision;
	snprintf(admission->source, sizeof admission->source, "%s", call->request->peer);
	snprintf(admission->request_id, sizeof admission->request_id, "%s", call->request_id);
}

static void give_back(struct admission *admission)
{
	OPENSSL_cleanse(admission->private_key, sizeof admission->private_key);
	if (admission->console >= 0)
		close(admission->console);
	if (admission->seat != NULL)
		seat_leave(admission->seat);
	instance_free(&admission->instance);
	admission->seat = NULL;
	admission->console = -1;
}

static bool check_entry(struct entry *entry)
{
	struct admission *admission = entry->admission;
	bool is_console;

	if (!find_kind(entry) || !check_origin(entry) || !check_subprotocol(entry))
		return false;
	is_console = admission->kind == SOCKET_CONSOLE;
	if (!(is_console ? check_console(entry) : check_session(entry)) || !take_seat(entry) ||
	    (is_console && !open_console(entry)))
		return false;
	fill_admission(entry);
	if (!store_opening(entry))
		return false;
	if (admission->kind == SOCKET_TERMINAL)
		vault_take(&entry->call->service->state->vault, entry->session.hash, entry->now,
			   admission->private_key);
	return true;
}

bool admit(const struct service *service, const struct upgrade *upgrade,
	   struct admission *admission, struct http_response *response)
{
	struct call call = { .service = service,
			     .request = upgrade->request,
			     .response = response };
	struct entry entry = { .call = &call,
			       .upgrade = upgrade,
			       .admission = admission,
			       .now = (int64_t)time(NULL) };

	*admission = (struct admission){ .console = -1 };
	if (!make_request_id(call.request_id)) {
		respond_error(response, 500, "compute.internal", "no random numbers", NULL);
		return false;
	}
	if (!check_entry(&entry)) {
		give_back(admission);
		return false;
	}
	service->state->metrics.sockets_open[admission->kind]++;
	service->state->metrics.sockets_opened[admission->kind]++;
	return true;
}

void admission_end(const struct service *service, struct admission *admission, const char *why)
{
	char reason[160];

	snprintf(reason, sizeof reason, "closed: %s", why);
	append_row(service, admission, reason);
	service->state->metrics.sockets_open[admission->kind]--;
	give_back(admission);
}
