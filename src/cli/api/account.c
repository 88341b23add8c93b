/* SPDX-License-Identifier: Apache-2.0 */
/* GET /iam/me: who a token belongs to. */
#include "cli/api/account.h"

#include "cli/terminal/print.h"

bool me_ask(const struct account *account, struct api_answer *answer)
{
	const struct api_request request = { .path = "/iam/me" };

	if (api_call(account, &request, answer))
		return true;
	api_say_failure(account, answer);
	return false;
}

void me_print(const struct account *account, const cJSON *me)
{
	const char *expires = json_string(me, "expires_at");

	print_line("principal", json_string(me, "principal"));
	print_line("org", json_string(me, "org"));
	print_line("token", json_string(me, "token_id"));
	print_line("expires", expires == NULL ? "never" : expires);
	print_line("endpoint", account->endpoint.url);
}
