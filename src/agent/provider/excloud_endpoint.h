/* SPDX-License-Identifier: Apache-2.0 */
/* excloud's metadata endpoint: grants, receipts and host keys over HTTP. */
#ifndef EXC_AGENT_PROVIDER_EXCLOUD_ENDPOINT_H
#define EXC_AGENT_PROVIDER_EXCLOUD_ENDPOINT_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "agent/config/config.h"
#include "agent/config/problem.h"

/* Bytes of one answer's body: several times METADATA_GRANTS_MAX usual grants. */
#define METADATA_ANSWER_BYTES_MAX (256 * 1024)
/* Grants of one answer that are checked */
#define METADATA_GRANTS_MAX 16
/* 128 bits in hexadecimal, and the NUL */
#define METADATA_NONCE_SIZE 33

/* GET …/grants for this user and fingerprint ("SHA256:…"). PROBLEM_NONE: *answer is the endpoint's
 * JSON object, the caller's to cJSON_Delete(), or NULL for "no grant" (404). Otherwise one of the
 * endpoint's problems, with `detail` set. Takes at most timeout_ms. `meanwhile` may be NULL;
 * otherwise it is called with `context` while the answer is awaited, and no request may follow. */
enum problem metadata_get_grants(const struct config *config, const char *user,
				 const char *fingerprint, const char *nonce,
				 void (*meanwhile)(void *context), void *context, cJSON **answer,
				 char detail[PROBLEM_DETAIL_SIZE]);

/* POST …/receipts with this JSON text. PROBLEM_NONE: the endpoint accepted them (204 or 200). */
enum problem metadata_post_receipts(const struct config *config, const char *json,
				    char detail[PROBLEM_DETAIL_SIZE]);

/* PUT …/host-keys with this JSON text. PROBLEM_NONE: the endpoint accepted them (204 or 200). */
enum problem metadata_put_host_keys(const struct config *config, const char *json,
				    char detail[PROBLEM_DETAIL_SIZE]);

/* A fresh nonce, so that a signed time cannot be an old one. False when the kernel has no random
 * bytes yet. */
bool metadata_make_nonce(char nonce[METADATA_NONCE_SIZE]);

#endif
