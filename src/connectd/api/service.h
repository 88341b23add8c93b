/* SPDX-License-Identifier: Apache-2.0 */
/* What both listeners share: the request, the answer, and the means to answer. */
#ifndef EXC_CONNECTD_API_SERVICE_H
#define EXC_CONNECTD_API_SERVICE_H

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>

#include "connectd/api/query.h"
#include "connectd/config/config.h"
#include "connectd/state/metrics.h"
#include "connectd/state/rate_limit.h"
#include "connectd/state/idempotency.h"
#include "connectd/state/socket_limits.h"
#include "connectd/store/signing_key.h"
#include "connectd/store/store.h"
#include "connectd/state/key_vault.h"

/* Bytes of a request's body */
#define COMPUTE_BODY_MAX (16 * 1024)
#define METADATA_BODY_MAX (64 * 1024)
#define PATH_SIZE 256
#define HEADER_VALUE_SIZE 256
/* "req_" and 32 hexadecimal digits */
#define REQUEST_ID_SIZE 40

/* State of the running service; in memory, and gone with the process */
struct service_state {
	struct rate_limiter by_principal, by_instance;
	struct replay replay;
	struct vault vault;
	struct seats seats;
	struct metrics metrics;
};

/* Start with nothing counted, remembered or limited. Call service_state_free() even on false: no
 * memory. */
bool service_state_init(struct service_state *state, const struct connectd_config *config);
void service_state_free(struct service_state *state);

struct service {
	const struct connectd_config *config;
	const struct store *store;
	const struct signing_key *key;
	struct service_state *state;
};

enum http_method {
	HTTP_GET,
	HTTP_POST,
	HTTP_PUT,
	HTTP_OTHER
};

struct http_request {
	enum http_method method;
	char path[PATH_SIZE];
	char peer[64]; /* the connection's address */
	char authorization[HEADER_VALUE_SIZE]; /* empty when absent or too long */
	bool has_metadata_header; /* X-Exc-Metadata: 1 */
	bool is_forwarded; /* it has X-Forwarded-For */
	char idempotency_key[HEADER_VALUE_SIZE]; /* empty when absent */
	bool has_long_idempotency_key; /* over HEADER_VALUE_SIZE */
	struct query query;
	const char *body;
	size_t body_length;
};

/* `body` is allocated, and may hold a private key: the sender overwrites it afterwards. */
struct http_response {
	int status;
	const char *type; /* a constant; NULL: application/json */
	unsigned int retry_after; /* seconds; 0: no such header */
	char *body; /* NULL for no body */
};

/* Answer with this object, which is freed. */
void respond_json(struct http_response *response, int status, cJSON *object);

/* Answer {"error":{"code","message","request_id"}}. */
void respond_error(struct http_response *response, int status, const char *code,
		   const char *message, const char *request_id);

/* The same, with this member in place of request_id; `value` may be NULL. */
void respond_error_with(struct http_response *response, int status, const char *code,
			const char *message, const char *member, const char *value);

/* A random id for a request. False: no random numbers. */
bool make_request_id(char id[REQUEST_ID_SIZE]);

void compute_handle(const struct service *service, const struct http_request *request,
		    struct http_response *response);
void metadata_handle(const struct service *service, const struct http_request *request,
		     struct http_response *response);

#endif
