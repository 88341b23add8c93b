/* SPDX-License-Identifier: Apache-2.0 */
/* One HTTP request at a time, by libcurl, over one connection that is kept, within bounds. */
#ifndef EXC_FETCH_TRANSFER_H
#define EXC_FETCH_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>

#include "fetch/endpoint.h"
#include "fetch/protocol.h"

/* Get libcurl ready to ask `url`, which `endpoint` has in parts, at `resolved` where that is not
 * empty. What it reads from the machine, it reads now. False if there is no memory. */
bool transfer_prepare(const char *url, const struct endpoint *endpoint, const char *resolved);

/* Ask, with these texts. Returns the answer's head, and what follows it, `length` bytes, in *text,
 * which is valid until the next call. No redirects, no proxies, no protocol but that of the URL. */
struct fetch_answer transfer_ask(const struct fetch_request *request,
				 const char *const texts[FETCH_TEXTS], const char **text);

#endif
