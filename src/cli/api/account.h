/* SPDX-License-Identifier: Apache-2.0 */
/* GET /iam/me: who a token belongs to. */
#ifndef EXC_CLI_API_ACCOUNT_H
#define EXC_CLI_API_ACCOUNT_H

#include <stdbool.h>

#include "cli/api/api.h"

/* Ask. False, with the reason printed, when the control plane does not know the token. */
bool me_ask(const struct account *account, struct api_answer *answer);

/* Print the answer for a person to read. */
void me_print(const struct account *account, const cJSON *me);

#endif
