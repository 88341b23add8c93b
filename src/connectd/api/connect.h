/* SPDX-License-Identifier: Apache-2.0 */
/* POST /compute/instance/connect: mint a one-time key. */
#ifndef EXC_CONNECTD_API_CONNECT_H
#define EXC_CONNECTD_API_CONNECT_H

#include "connectd/api/api_call.h"

/* Answer a call whose caller is identified. */
void connect_handle(struct call *call);

#endif
