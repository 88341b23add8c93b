/* SPDX-License-Identifier: Apache-2.0 */
/* The host keys that a guest reports (PUT /v1/instance-connect/host-keys). */
#ifndef EXC_CONNECTD_API_GUEST_HOST_KEYS_H
#define EXC_CONNECTD_API_GUEST_HOST_KEYS_H

#include "connectd/api/service.h"
#include "connectd/store/instance.h"

/* Keep them for this instance, and note in the trail that they arrived or changed. Callers get them
 * only if the operator has set none: any process on a guest can send them. */
void guest_host_keys_put(const struct service *service, const struct http_request *request,
			 struct http_response *response, const struct instance_identity *instance);

#endif
