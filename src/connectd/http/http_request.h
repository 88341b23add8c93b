/* SPDX-License-Identifier: Apache-2.0 */
/* Read a request's headers from libwebsockets. */
#ifndef EXC_CONNECTD_HTTP_HTTP_REQUEST_H
#define EXC_CONNECTD_HTTP_HTTP_REQUEST_H

#include <stdbool.h>

#include <libwebsockets.h>

#include "connectd/api/service.h"

/* Fill in all of `request` but its body. False when the request line is too long or has a NUL in
 * it. */
bool request_read(struct lws *wsi, struct http_request *request);

#endif
