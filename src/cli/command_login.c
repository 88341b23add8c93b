/* SPDX-License-Identifier: Apache-2.0 */
/* exc login: check a token and save it in ~/.exc/config. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "cli/commands.h"
#include "cli/api/account.h"
#include "cli/terminal/options.h"
#include "cli/terminal/say.h"
#include "cli/terminal/terminal.h"

/* The first line of standard input */
static bool read_token(char token[TOKEN_SIZE])
{
	size_t length = 0;

	while (length < TOKEN_SIZE && read(STDIN_FILENO, token + length, 1) == 1 &&
	       token[length] != '\n')
		length++;
	if (length == TOKEN_SIZE)
		return false;
	token[length] = '\0';
	return true;
}

/* Ask for an endpoint, unless it is set already; an empty answer means `shown`. */
static bool ask_endpoint(struct account *account)
{
	char question[ENDPOINT_SIZE + 16], answer[ENDPOINT_SIZE], why[SAY_SIZE];
	char shown[ENDPOINT_SIZE];

	snprintf(shown, sizeof shown, "%s", account->endpoint.url);
	snprintf(question, sizeof question, "Endpoint [%s]: ", shown);
	if (!terminal_ask(question, true, answer, sizeof answer)) {
		say("no terminal to ask on; use --endpoint and --token-stdin");
		return false;
	}
	if (endpoint_parse(answer[0] == '\0' ? shown : answer, &account->endpoint, why, sizeof why))
		return true;
	say("%s", why);
	return false;
}

static bool get_token(struct account *account, bool from_input)
{
	bool good = from_input ? read_token(account->token)
			       : terminal_ask("Token: ", false, account->token, TOKEN_SIZE);

	if (good && token_is_valid(account->token))
		return true;
	say("that is not a token: it must be one line without spaces, of at most %d characters",
	    TOKEN_SIZE - 1);
	return false;
}

static int try_and_save(struct account *account)
{
	_cleanup_answer_ struct api_answer answer = { 0 };
	char path[CREDENTIALS_PATH_SIZE], why[SAY_SIZE];

	if (!me_ask(account, &answer))
		return EXIT_EXC_FAILED;
	if (!account_save(account, path, why, sizeof why)) {
		say("%s", why);
		return EXIT_EXC_FAILED;
	}
	me_print(account, answer.json);
	say("saved in %s", path);
	return EXIT_SUCCESS;
}

int login_main(int argc, char **argv)
{
	struct account_options from = { 0 };
	bool from_input = false;
	const struct option list[] = {
		{ "token-stdin", NULL, "read the token from standard input, and ask nothing", NULL,
		  &from_input },
		ACCOUNT_OPTIONS(from),
	};
	const struct options options = { .command = "login",
					 .summary = "Check a token and save it in ~/.exc/config.",
					 OPTIONS_LIST(list) };
	struct account account;
	char why[SAY_SIZE], **rest;
	int status = EXIT_EXC_FAILED;

	if (!options_read(&options, argc, argv, &rest, &status))
		return status;
	if (!account_load_endpoint(&from, &account, why, sizeof why))
		say("%s", why);
	else if ((from_input || from.endpoint != NULL || ask_endpoint(&account)) &&
		 get_token(&account, from_input))
		status = try_and_save(&account);
	account_forget(&account);
	return status;
}
