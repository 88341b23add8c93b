/* SPDX-License-Identifier: Apache-2.0 */
/* agent.conf: every setting of the agent, read in one place (exc-instance-connect.conf(5)). */
#include "agent/config/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/config/instance_id.h"
#include "ledger/paths.h"
#include "base/cleanup.h"
#include "base/command_line.h"
#include "base/ini.h"

/* The tokens of next_command: what sshd gives to an AuthorizedKeysCommand. */
#define TOKENS "%fhktUu"
/* Rows of `settings` that the operator's file may have: what is the same on all of the operator's
 * machines and belongs to the endpoint. Above all not next_command, which is this machine's own. */
#define OPERATOR_SETTINGS 2

static const struct {
	const char *name;
	enum single_use single_use;
} providers[CONFIG_PROVIDER_COUNT] = {
#define PROVIDER_ROW(value, name, single_use) [value] = { name, single_use },
	CONFIG_PROVIDERS(PROVIDER_ROW)
#undef PROVIDER_ROW
};

static bool read_metadata_url(void *out, const char *value, const struct ini_setting *setting)
{
	size_t length = strlen(value);
	size_t scheme = strncmp(value, "http://", 7) == 0    ? 7
			: strncmp(value, "https://", 8) == 0 ? 8
							     : 0;

	if (scheme == 0 || value[scheme] == '\0' || value[scheme] == '/' ||
	    strpbrk(value, "?#@ \\") != NULL || !ini_text(out, value, setting))
		return false;
	/* Not the first byte after the scheme, which is not a slash */
	while (((char *)out)[length - 1] == '/')
		((char *)out)[--length] = '\0';
	return true;
}

static bool read_instance_id(void *out, const char *value, const struct ini_setting *setting)
{
	return instance_id_is_valid(value) && ini_text(out, value, setting);
}

static bool read_signer_name(void *out, const char *value, const struct ini_setting *setting)
{
	return value[0] != '\0' &&
	       strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789.-") == strlen(value) &&
	       ini_text(out, value, setting);
}

bool next_command_is_valid(const char *command)
{
	struct words words;

	if (command[0] != '/' || !words_split(&words, command))
		return false;
	/* sshd gives the path no tokens. */
	if (strchr(words.at[0], '%') != NULL)
		return false;
	for (unsigned int i = 1; i < words.count; i++)
		for (const char *at = strchr(words.at[i], '%'); at != NULL;
		     at = strchr(at + 2, '%'))
			if (at[1] == '\0' || strchr(TOKENS, at[1]) == NULL)
				return false;
	return true;
}

static bool read_next_command(void *out, const char *value, const struct ini_setting *setting)
{
	return next_command_is_valid(value) && ini_text(out, value, setting);
}

static bool read_signed_time(void *out, const char *value, const struct ini_setting *setting)
{
	bool required = strcmp(value, "required") == 0;

	(void)setting;
	if (!required && strcmp(value, "no") != 0)
		return false;
	*(bool *)out = required;
	return true;
}

#define PROVIDER_WORD(value, name, single_use) name,
static const char *const provider_words[] = { CONFIG_PROVIDERS(PROVIDER_WORD) NULL };
#undef PROVIDER_WORD
static const char *const log_level_words[] = {
	[LOG_LEVEL_INFO] = "info", [LOG_LEVEL_DEBUG] = "debug", NULL
};
static const char *const single_use_words[] = { [SINGLE_USE_AUTO] = "auto",
						[SINGLE_USE_PAM] = "pam",
						[SINGLE_USE_CONNECTION] = "connection",
						[SINGLE_USE_NO] = "no",
						NULL };

#define SETTING(member, reader, ...)                                                               \
	{                                                                                          \
		.name = #member, .read = (reader), .offset = offsetof(struct config, member),      \
		__VA_ARGS__                                                                        \
	}
static const struct ini_setting settings[] = {
	SETTING(metadata_url, read_metadata_url, .expected = "http:// or https:// and an address"),
	SETTING(signer_name, read_signer_name, .expected = "a DNS name in lower case"),
	/* Up to here: OPERATOR_SETTINGS */
	SETTING(provider, ini_word, .words = provider_words),
	SETTING(instance_id, read_instance_id, .expected = "auto, or letters, digits and ._-"),
	SETTING(trust_dir, ini_path, .expected = "a path that starts with a slash"),
	SETTING(max_key_lifetime, ini_number, .expected = "1 to 60 seconds", .min = 1,
		.max = CONFIG_LIFETIME_MAX),
	SETTING(clock_skew, ini_number, .expected = "0 to 60 seconds",
		.max = CONFIG_CLOCK_SKEW_MAX),
	SETTING(timeout_ms, ini_number, .expected = "50 to 10000 milliseconds",
		.min = CONFIG_TIMEOUT_MS_MIN, .max = CONFIG_TIMEOUT_MS_MAX),
	SETTING(single_use, ini_word, .words = single_use_words),
	SETTING(deny_users, ini_text, .expected = "user names"),
	{ .name = "signed_time",
	  .read = read_signed_time,
	  .offset = offsetof(struct config, signed_time_required),
	  .expected = "required or no" },
	SETTING(log_level, ini_word, .words = log_level_words),
	SETTING(sandbox, ini_yes_no, .expected = "yes or no"),
	SETTING(next_command, read_next_command,
		.expected = "an absolute path with arguments and the tokens %% %f %h %k %t %U %u"),
};
#undef SETTING

static bool parse_config(struct config *config, FILE *file, size_t count, const char *path,
			 char *detail)
{
	char why[INI_WHY_SIZE];
	int line = ini_read(file, settings, count, config, why);

	if (line == 0)
		return true;
	snprintf(detail, PROBLEM_DETAIL_SIZE, "%.100s line %d: %.120s", path, line, why);
	return false;
}

static void set_defaults(struct config *config)
{
	*config = (struct config){
		.metadata_url = "http://169.254.169.254",
		.instance_id = INSTANCE_ID_AUTO,
		.trust_dir = TRUST_DIR,
		.max_key_lifetime = CONFIG_LIFETIME_MAX,
		.clock_skew = 5,
		.timeout_ms = 2000,
		.single_use = SINGLE_USE_AUTO,
		.signed_time_required = true,
		.sandbox = true,
	};
}

/* Open the file if it exists and nobody else can have written it. False with `detail` set. */
static bool open_config(const char *path, FILE **file, char *detail)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat status;

	*file = NULL;
	if (fd < 0 && errno == ENOENT)
		return true;
	if (fd < 0) {
		snprintf(detail, PROBLEM_DETAIL_SIZE, "%.128s: %s", path, strerror(errno));
		return false;
	}
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
	    status.st_size <= CONFIG_FILE_BYTES_MAX &&
	    (status.st_uid == 0 || status.st_uid == geteuid()) &&
	    (status.st_mode & (S_IWGRP | S_IWOTH)) == 0)
		*file = fdopen(fd, "r");
	if (*file != NULL)
		return true;
	close(fd);
	snprintf(detail, PROBLEM_DETAIL_SIZE,
		 "%.128s: not a file of under 64 KiB that only root may write", path);
	return false;
}

/* Read the first `count` settings from a file, if it exists. False with `detail` set. */
static bool read_config(struct config *config, size_t count, const char *path, char *detail)
{
	FILE *file;
	bool good;

	if (!open_config(path, &file, detail))
		return false;
	if (file == NULL)
		return true;
	good = parse_config(config, file, count, path, detail);
	fclose(file);
	return good;
}

static bool read_both(struct config *config, const char *operators, const char *path, char *detail)
{
	char other[PROBLEM_DETAIL_SIZE];
	bool good;

	set_defaults(config);
	good = operators == NULL || read_config(config, OPERATOR_SETTINGS, operators, detail);
	/* Also when the first is bad: next_command is in the second. */
	return read_config(config, sizeof settings / sizeof settings[0], path,
			   good ? detail : other) &&
	       good;
}

bool config_load_over(struct config *config, const char *operators, const char *path,
		      char detail[PROBLEM_DETAIL_SIZE])
{
	bool good = read_both(config, operators, path, detail);

	/* EC2's service is not the operator's. */
	if (operators != NULL && config->provider != PROVIDER_EXCLOUD)
		good = read_both(config, NULL, path, detail);
	if (config->single_use == SINGLE_USE_AUTO)
		config->single_use = providers[config->provider].single_use;
	return good;
}

bool config_load(struct config *config, const char *path, char detail[PROBLEM_DETAIL_SIZE])
{
	return config_load_over(
		config, strcmp(path, CONFIG_FILE) == 0 ? OPERATOR_CONFIG_FILE : NULL, path, detail);
}

bool config_provider_named(const char *name, enum config_provider *provider)
{
	for (size_t i = 0; i < CONFIG_PROVIDER_COUNT; i++)
		if (strcmp(providers[i].name, name) == 0) {
			*provider = (enum config_provider)i;
			return true;
		}
	return false;
}

const char *config_provider_name(enum config_provider provider)
{
	return providers[provider].name;
}

void config_provider_names(char *names, size_t size)
{
	size_t length = 0;

	names[0] = '\0';
	for (size_t i = 0; i < CONFIG_PROVIDER_COUNT && length < size; i++)
		length += (size_t)snprintf(names + length, size - length, "%s%s",
					   i == 0 ? "" : ", ", providers[i].name);
}

bool config_denies(const struct config *config, const char *user)
{
	const char *at = config->deny_users;
	size_t length = strlen(user);

	/* Bounded by CONFIG_VALUE_SIZE */
	for (at += strspn(at, " ,"); *at != '\0'; at += strspn(at, " ,")) {
		size_t word = strcspn(at, " ,");

		if (word == length && strncmp(at, user, length) == 0)
			return true;
		at += word;
	}
	return false;
}
