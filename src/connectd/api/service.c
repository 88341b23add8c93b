/* SPDX-License-Identifier: Apache-2.0 */
/* What both listeners share: the request, the answer, and the means to answer. */
#include "connectd/api/service.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/rand.h>

bool service_state_init(struct service_state *state, const struct connectd_config *config)
{
	*state = (struct service_state){ .metrics.started = (int64_t)time(NULL) };
	return rate_init(&state->by_principal, config->principal_rate, config->principal_burst) &&
	       rate_init(&state->by_instance, config->instance_rate, config->instance_burst) &&
	       replay_init(&state->replay) && vault_init(&state->vault) &&
	       seats_init(&state->seats, config->sockets_max);
}

void service_state_free(struct service_state *state)
{
	rate_free(&state->by_principal);
	rate_free(&state->by_instance);
	replay_free(&state->replay);
	vault_free(&state->vault);
	seats_free(&state->seats);
}

void respond_json(struct http_response *response, int status, cJSON *object)
{
	response->status = status;
	response->body = cJSON_PrintUnformatted(object);
	if (response->body == NULL)
		response->status = 500;
	cJSON_Delete(object);
}

void respond_error_with(struct http_response *response, int status, const char *code,
			const char *message, const char *member, const char *value)
{
	cJSON *object = cJSON_CreateObject();
	cJSON *error = cJSON_AddObjectToObject(object, "error");

	cJSON_AddStringToObject(error, "code", code);
	cJSON_AddStringToObject(error, "message", message);
	if (value != NULL)
		cJSON_AddStringToObject(error, member, value);
	respond_json(response, status, object);
}

void respond_error(struct http_response *response, int status, const char *code,
		   const char *message, const char *request_id)
{
	respond_error_with(response, status, code, message, "request_id", request_id);
}

bool make_request_id(char id[REQUEST_ID_SIZE])
{
	uint8_t bytes[16];

	if (RAND_bytes(bytes, sizeof bytes) != 1)
		return false;
	memcpy(id, "req_", 5);
	for (size_t i = 0; i < sizeof bytes; i++)
		snprintf(id + 4 + 2 * i, 3, "%02x", bytes[i]);
	return true;
}
