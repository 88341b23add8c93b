/* SPDX-License-Identifier: Apache-2.0 */
/* exc me: who the control plane thinks the user is. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/api/api.h"
#include "cli/commands.h"
#include "cli/api/account.h"
#include "cli/terminal/options.h"
#include "cli/terminal/print.h"
#include "cli/terminal/say.h"

int me_main(int argc, char **argv)
{
	struct account_options from = { 0 };
	bool json = false;
	const struct option list[] = { { "json", NULL, "print JSON", NULL, &json },
				       ACCOUNT_OPTIONS(from) };
	const struct options options = { .command = "me",
					 .summary = "Show who you are to the control plane.",
					 OPTIONS_LIST(list) };
	_cleanup_answer_ struct api_answer answer = { 0 };
	struct account account;
	char why[SAY_SIZE], **rest;
	int status = EXIT_EXC_FAILED;

	if (!options_read(&options, argc, argv, &rest, &status))
		return status;
	if (!account_load(&from, &account, why, sizeof why)) {
		say("%s", why);
	} else if (me_ask(&account, &answer)) {
		if (json)
			print_json(answer.json);
		else
			me_print(&account, answer.json);
		status = EXIT_SUCCESS;
	}
	account_forget(&account);
	return status;
}
