/* SPDX-License-Identifier: Apache-2.0 */
/* GET /compute/instance/:id/connect/events: what happened with one instance. */
#ifndef EXC_CONNECTD_API_EVENTS_H
#define EXC_CONNECTD_API_EVENTS_H

#include "connectd/api/api_call.h"

#define EVENTS_LIMIT_DEFAULT 100
#define EVENTS_LIMIT_MAX 1000

/* Answer a call whose caller is identified, and whose path named call->vm_id. */
void events_handle(struct call *call);

#endif
