/* SPDX-License-Identifier: Apache-2.0 */
/* Find the control plane's endpoint and the token for it. */
#ifndef EXC_CLI_API_CREDENTIALS_H
#define EXC_CLI_API_CREDENTIALS_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/api/endpoint.h"

/* An ID token with many groups in it fits. */
#define TOKEN_SIZE 8193
#define CREDENTIALS_PATH_SIZE 4096
#define CREDENTIALS_FILE_BYTES_MAX 16384
#define ENDPOINT_VARIABLE "EXC_ENDPOINT"

/* A token and the one endpoint that it may be sent to. */
struct account {
	struct endpoint endpoint;
	char token[TOKEN_SIZE];
	const char *cacert; /* a file in PEM; NULL: this machine's CAs */
};

/* The command line's options about the account; NULL where not given. */
struct account_options {
	const char *endpoint;
	const char *cacert;
};

/* Lines for a command's table of options */
#define ACCOUNT_OPTIONS(account)                                                                   \
	{ "endpoint", "URL",                                                                       \
	  "the control plane's address; default: EXC_ENDPOINT, or as logged in",                   \
	  &(account).endpoint, NULL },                                                             \
	{                                                                                          \
		"cacert", "FILE", "trust this CA for it, in PEM; default: EXC_CACERT",             \
			&(account).cacert, NULL                                                    \
	}

/* The token is the first that is set of EXCLOUD_ACCESS_TOKEN, ACCESS_TOKEN, EXCLOUD_ID_TOKEN,
 * ID_TOKEN and ~/.exc/config; the endpoint the first of the option, EXC_ENDPOINT, the file and
 * ENDPOINT_DEFAULT. The file's token is for the file's endpoint, or ENDPOINT_DEFAULT if it has
 * none, and is not loaded for another. The file is read only if one of the two must come from it.
 * False with `why`, of `size` bytes: no token, none for this endpoint, or a file that others could
 * read or write. */
bool account_load(const struct account_options *options, struct account *account, char *why,
		  size_t size);

/* The same endpoint, without a token: `exc login` starts from this. */
bool account_load_endpoint(const struct account_options *options, struct account *account,
			   char *why, size_t size);

/* Overwrite the token. */
void account_forget(struct account *account);

/* A token is 1 to TOKEN_SIZE - 1 printable characters of ASCII without spaces: nothing that could
 * end a header. */
bool token_is_valid(const char *token);

/* Write endpoint and token to ~/.exc/config, mode 0600, in a directory with mode 0700, atomically.
 * `path` is where it was written, or would be. False with `why`. */
bool account_save(const struct account *account, char path[CREDENTIALS_PATH_SIZE], char *why,
		  size_t size);

#endif
