/* SPDX-License-Identifier: Apache-2.0 */
/* Find the control plane's endpoint and the token for it. */
#include "cli/api/credentials.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "base/cleanup.h"
#include "base/json.h"

#define FOLDER ".exc"
#define FILE_NAME "config"
#define MODE_BITS 07777
#define SAVED_REASON_SIZE 512

static const char *const token_variables[] = { "EXCLOUD_ACCESS_TOKEN", "ACCESS_TOKEN",
					       "EXCLOUD_ID_TOKEN", "ID_TOKEN" };

/* An empty variable counts as unset. */
static const char *variable(const char *name)
{
	const char *value = getenv(name);

	return value == NULL || value[0] == '\0' ? NULL : value;
}

bool token_is_valid(const char *token)
{
	size_t length = 0;

	while (length < TOKEN_SIZE && token[length] > ' ' && token[length] <= '~')
		length++;
	return length > 0 && length < TOKEN_SIZE && token[length] == '\0';
}

static bool set_token(struct account *account, const char *token, const char *from, char *why,
		      size_t size)
{
	if (token_is_valid(token)) {
		memcpy(account->token, token, strlen(token) + 1);
		return true;
	}
	snprintf(why, size,
		 "the token in %.300s is not valid: it has a space, a line break or more "
		 "than %d characters",
		 from, TOKEN_SIZE - 1);
	return false;
}

static bool home_path(char path[CREDENTIALS_PATH_SIZE], const char *below)
{
	const char *home = variable("HOME");
	const struct passwd *person = home == NULL ? getpwuid(getuid()) : NULL;

	if (person != NULL)
		home = person->pw_dir;
	return home != NULL &&
	       snprintf(path, CREDENTIALS_PATH_SIZE, "%s/%s", home, below) < CREDENTIALS_PATH_SIZE;
}

/* Is this open file owned by the user and private? */
static bool is_private(int fd, const char *path, char *why, size_t size)
{
	struct stat status;

	if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
		snprintf(why, size, "%.300s is not a regular file", path);
	} else if (status.st_uid != geteuid()) {
		snprintf(why, size, "%.300s belongs to another user", path);
	} else if ((status.st_mode & MODE_BITS) != 0600) {
		snprintf(why, size,
			 "%.300s has mode %04o, so others may have read your token: get a "
			 "new one, or chmod 600 it",
			 path, (unsigned int)status.st_mode & MODE_BITS);
	} else {
		return true;
	}
	return false;
}

/* The file's text into `text`. */
static bool read_text(int fd, char text[CREDENTIALS_FILE_BYTES_MAX + 1], size_t *length)
{
	ssize_t got = 1;

	*length = 0;
	while (got > 0 && *length < CREDENTIALS_FILE_BYTES_MAX) {
		got = read(fd, text + *length, CREDENTIALS_FILE_BYTES_MAX - *length);
		if (got > 0)
			*length += (size_t)got;
	}
	return got == 0;
}

/* `*config` is NULL when there is no file, which is not a failure. The caller frees it. */
static bool parse_file(cJSON **config, char path[CREDENTIALS_PATH_SIZE], char *why, size_t size)
{
	_cleanup_close_ int fd = -1;
	char text[CREDENTIALS_FILE_BYTES_MAX + 1];
	size_t length;
	bool good;

	if (!home_path(path, FOLDER "/" FILE_NAME))
		return true;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return true;
	if (fd < 0) {
		snprintf(why, size, "%.300s: %s", path,
			 errno == ELOOP ? "it is a symbolic link, not a file" : strerror(errno));
		return false;
	}
	if (!is_private(fd, path, why, size))
		return false;
	good = read_text(fd, text, &length) && json_parse(text, length, config) == JSON_OK;
	OPENSSL_cleanse(text, sizeof text);
	if (!good)
		snprintf(why, size, "%.300s is not JSON with endpoint and access_token", path);
	return good;
}

/* What `exc login` saved: a token, and the endpoint that it is for. */
struct saved {
	cJSON *config; /* NULL: nothing; cleanup_saved() frees it */
	char path[CREDENTIALS_PATH_SIZE];
	struct endpoint endpoint;
};

static void cleanup_saved(struct saved *saved)
{
	cJSON_Delete(saved->config);
}

/* exc login writes both, or nothing. A token without an endpoint was put there by something else,
 * and is for ENDPOINT_DEFAULT: anything else would be a guess. */
static bool parse_saved_endpoint(struct saved *saved, char *why, size_t size)
{
	const char *endpoint = ENDPOINT_DEFAULT;
	char reason[SAVED_REASON_SIZE];

	if (json_member(saved->config, "endpoint") != NULL)
		endpoint = json_string(saved->config, "endpoint");
	if (endpoint == NULL)
		snprintf(reason, sizeof reason, "the endpoint is not text");
	else if (endpoint_parse(endpoint, &saved->endpoint, reason, sizeof reason))
		return true;
	snprintf(why, size, "%.300s: %s", saved->path, reason);
	return false;
}

/* False when something is there that cannot be trusted or read. */
static bool read_saved(struct saved *saved, char *why, size_t size)
{
	size_t length;

	if (parse_file(&saved->config, saved->path, why, size) &&
	    parse_saved_endpoint(saved, why, size))
		return true;
	/* Without an endpoint in the file, exc login needs the option. */
	length = strlen(why);
	snprintf(why + length, size - length, "; exc login --endpoint URL writes a new file");
	return false;
}

static const char *first(const char *option, const char *name)
{
	return option != NULL ? option : variable(name);
}

static bool token_from_environment(struct account *account, char *why, size_t size)
{
	for (size_t i = 0; i < sizeof token_variables / sizeof token_variables[0]; i++) {
		const char *token = variable(token_variables[i]);

		if (token != NULL)
			return set_token(account, token, token_variables[i], why, size);
	}
	return true;
}

/* The endpoint named outside the file, and where; both NULL if there is none. */
struct named {
	const char *endpoint;
	const char *from;
	const char *cure; /* how to drop it */
};

static struct named find_named(const struct account_options *options)
{
	struct named named = { 0 };

	named.endpoint = first(options->endpoint, ENDPOINT_VARIABLE);
	if (named.endpoint == NULL)
		return named;
	named.from = options->endpoint != NULL ? "--endpoint" : ENDPOINT_VARIABLE;
	named.cure = options->endpoint != NULL ? "leave out" : "unset";
	return named;
}

/* The only way for a saved token into an account, and so to the network: the account's endpoint is
 * the token's own. EXC_ENDPOINT may come from a file that someone else wrote, such as an .envrc. */
static bool take_saved_token(struct account *account, const struct saved *saved,
			     const struct named *named, char *why, size_t size)
{
	const char *token = json_string(saved->config, "access_token");

	if (token == NULL) {
		snprintf(why, size, "no token found: run exc login, or set EXCLOUD_ACCESS_TOKEN");
		return false;
	}
	if (!endpoint_equal(&account->endpoint, &saved->endpoint)) {
		snprintf(why, size,
			 "the token in %.300s is for %s, and %s names %s: exc does not send it "
			 "there; %s %s, or log in there: exc login --endpoint %s",
			 saved->path, saved->endpoint.url, named->from, account->endpoint.url,
			 named->cure, named->from, account->endpoint.url);
		return false;
	}
	return set_token(account, token, saved->path, why, size);
}

bool account_load(const struct account_options *options, struct account *account, char *why,
		  size_t size)
{
	_cleanup_(cleanup_saved) struct saved saved = { 0 };
	const struct named named = find_named(options);

	memset(account, 0, sizeof *account);
	account->cacert = first(options->cacert, "EXC_CACERT");
	if (!token_from_environment(account, why, size))
		return false;
	if ((named.endpoint == NULL || account->token[0] == '\0') && !read_saved(&saved, why, size))
		return false;
	if (!endpoint_parse(named.endpoint == NULL ? saved.endpoint.url : named.endpoint,
			    &account->endpoint, why, size))
		return false;
	return account->token[0] != '\0' || take_saved_token(account, &saved, &named, why, size);
}

bool account_load_endpoint(const struct account_options *options, struct account *account,
			   char *why, size_t size)
{
	_cleanup_(cleanup_saved) struct saved saved = { 0 };
	const struct named named = find_named(options);

	memset(account, 0, sizeof *account);
	account->cacert = first(options->cacert, "EXC_CACERT");
	if (named.endpoint == NULL && !read_saved(&saved, why, size))
		return false;
	return endpoint_parse(named.endpoint == NULL ? saved.endpoint.url : named.endpoint,
			      &account->endpoint, why, size);
}

void account_forget(struct account *account)
{
	OPENSSL_cleanse(account->token, sizeof account->token);
}

/* The directory, private to the user. */
static bool make_folder(const char *path)
{
	struct stat status;

	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return false;
	if (lstat(path, &status) != 0)
		return false;
	if (!S_ISDIR(status.st_mode) || status.st_uid != geteuid()) {
		errno = EPERM;
		return false;
	}
	return (status.st_mode & MODE_BITS) == 0700 || chmod(path, 0700) == 0;
}

static bool write_whole(const char *path, const char *text, size_t length)
{
	char unfinished[CREDENTIALS_PATH_SIZE + 8];
	bool good;
	int fd;

	snprintf(unfinished, sizeof unfinished, "%s.XXXXXX", path);
	fd = mkostemp(unfinished, O_CLOEXEC);
	if (fd < 0)
		return false;
	good = fchmod(fd, 0600) == 0 && write(fd, text, length) == (ssize_t)length &&
	       fsync(fd) == 0;
	close(fd);
	if (good && rename(unfinished, path) == 0)
		return true;
	unlink(unfinished);
	return false;
}

bool account_save(const struct account *account, char path[CREDENTIALS_PATH_SIZE], char *why,
		  size_t size)
{
	_cleanup_json_ cJSON *config = cJSON_CreateObject();
	char folder[CREDENTIALS_PATH_SIZE];
	char *text;
	bool good;

	cJSON_AddStringToObject(config, "endpoint", account->endpoint.url);
	cJSON_AddStringToObject(config, "access_token", account->token);
	text = cJSON_PrintUnformatted(config);
	good = text != NULL && home_path(folder, FOLDER) && home_path(path, FOLDER "/" FILE_NAME) &&
	       make_folder(folder) && write_whole(path, text, strlen(text));
	if (!good)
		snprintf(why, size, "cannot write ~/" FOLDER "/" FILE_NAME ": %s", strerror(errno));
	if (text != NULL)
		OPENSSL_cleanse(text, strlen(text));
	cJSON_free(text);
	return good;
}
