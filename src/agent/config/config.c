/* SPDX-License-Identifier: Apache-2.0 */
/* agent.conf: every setting of the agent, read in one place (exc-instance-connect.conf(5)). */
#include "agent/config/config.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/config/instance_id.h"
#include "agent/config/pam_wired.h"
#include "ledger/paths.h"
#include "base/cleanup.h"
#include "base/command_line.h"

/* The tokens of next_command: what sshd gives to an AuthorizedKeysCommand. */
#define TOKENS "%fhktUu"

static const struct {
	const char *name;
	enum single_use single_use;
} providers[CONFIG_PROVIDER_COUNT] = {
#define PROVIDER_ROW(value, name, single_use) [value] = { name, single_use },
	CONFIG_PROVIDERS(PROVIDER_ROW)
#undef PROVIDER_ROW
};

struct reader {
	struct config *config;
	char *detail; /* PROBLEM_DETAIL_SIZE; the first thing that was wrong */
	uint32_t seen; /* a bit for each setting */
};

static bool read_text(char *out, const char *value)
{
	if (strlen(value) >= CONFIG_VALUE_SIZE)
		return false;
	snprintf(out, CONFIG_VALUE_SIZE, "%s", value);
	return true;
}

/* What is out of bounds leaves *out as it was: timeout_ms counts also when a line is wrong. */
static bool read_number(unsigned int *out, const char *value, unsigned int min, unsigned int max)
{
	unsigned int number = 0;

	if (value[0] == '\0' || strlen(value) > 6)
		return false;
	for (; *value != '\0'; value++) {
		if (*value < '0' || *value > '9')
			return false;
		number = 10 * number + (unsigned int)(*value - '0');
	}
	if (number < min || number > max)
		return false;
	*out = number;
	return true;
}

static bool read_metadata_url(struct config *config, const char *value)
{
	size_t length = strlen(value);
	size_t scheme = strncmp(value, "http://", 7) == 0    ? 7
			: strncmp(value, "https://", 8) == 0 ? 8
							     : 0;

	if (scheme == 0 || value[scheme] == '\0' || value[scheme] == '/')
		return false;
	if (strpbrk(value, "?#@ \\") != NULL || !read_text(config->metadata_url, value))
		return false;
	/* Not the first byte after the scheme, which is no slash */
	while (config->metadata_url[length - 1] == '/')
		config->metadata_url[--length] = '\0';
	return true;
}

static bool read_provider(struct config *config, const char *value)
{
	return config_provider_named(value, &config->provider);
}

static bool read_instance_id(struct config *config, const char *value)
{
	return instance_id_is_valid(value) && read_text(config->instance_id, value);
}

static bool read_trust_dir(struct config *config, const char *value)
{
	return value[0] == '/' && read_text(config->trust_dir, value);
}

static bool read_signer_name(struct config *config, const char *value)
{
	return value[0] != '\0' &&
	       strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789.-") == strlen(value) &&
	       read_text(config->signer_name, value);
}

static bool read_deny_users(struct config *config, const char *value)
{
	return read_text(config->deny_users, value);
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

static bool read_next_command(struct config *config, const char *value)
{
	return next_command_is_valid(value) && read_text(config->next_command, value);
}

static bool read_lifetime(struct config *config, const char *value)
{
	return read_number(&config->max_key_lifetime, value, 1, CONFIG_LIFETIME_MAX);
}

static bool read_clock_skew(struct config *config, const char *value)
{
	return read_number(&config->clock_skew, value, 0, CONFIG_CLOCK_SKEW_MAX);
}

static bool read_timeout(struct config *config, const char *value)
{
	return read_number(&config->timeout_ms, value, CONFIG_TIMEOUT_MS_MIN,
			   CONFIG_TIMEOUT_MS_MAX);
}

static bool read_single_use(struct config *config, const char *value)
{
	static const char *const names[] = { [SINGLE_USE_AUTO] = "auto",
					     [SINGLE_USE_PAM] = "pam",
					     [SINGLE_USE_CONNECTION] = "connection",
					     [SINGLE_USE_NO] = "no" };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (strcmp(value, names[i]) != 0)
			continue;
		config->single_use = (enum single_use)i;
		return true;
	}
	return false;
}

static bool read_signed_time(struct config *config, const char *value)
{
	config->signed_time_required = strcmp(value, "required") == 0;
	return config->signed_time_required || strcmp(value, "no") == 0;
}

static bool read_sandbox(struct config *config, const char *value)
{
	config->sandbox = strcmp(value, "yes") == 0;
	return config->sandbox || strcmp(value, "no") == 0;
}

static const struct setting {
	const char *name;
	bool (*read)(struct config *config, const char *value);
	const char *expected;
} settings[] = {
	{ "metadata_url", read_metadata_url, "http:// or https:// and an address" },
	{ "provider", read_provider, NULL /* the names that there are */ },
	{ "instance_id", read_instance_id, "auto, or letters, digits and ._-" },
	{ "trust_dir", read_trust_dir, "a path that starts with a slash" },
	{ "max_key_lifetime", read_lifetime, "1 to 60 seconds" },
	{ "clock_skew", read_clock_skew, "0 to 60 seconds" },
	{ "timeout_ms", read_timeout, "50 to 10000 milliseconds" },
	{ "single_use", read_single_use, "auto, pam, connection or no" },
	{ "deny_users", read_deny_users, "user names" },
	{ "signer_name", read_signer_name, "a DNS name in lower case" },
	{ "signed_time", read_signed_time, "required or no" },
	{ "sandbox", read_sandbox, "yes or no" },
	{ "next_command", read_next_command,
	  "an absolute path with arguments and the tokens %% %f %h %k %t %U %u" },
};

static const struct setting *find_setting(const char *section, const char *name)
{
	for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
		if (section[0] == '\0' && strcmp(settings[i].name, name) == 0)
			return &settings[i];
	return NULL;
}

static void say_expected(const struct setting *setting, const char *value,
			 char wrong[PROBLEM_DETAIL_SIZE])
{
	char names[64] = "";

	if (setting->expected == NULL)
		config_provider_names(names, sizeof names);
	snprintf(wrong, PROBLEM_DETAIL_SIZE, "%s = %.64s is not %s", setting->name, value,
		 setting->expected == NULL ? names : setting->expected);
}

/* inih calls this for every line; 0 tells it that the line is wrong. The
 * lines after a wrong one are read as well, for next_command. */
static int read_line(void *context, const char *section, const char *name, const char *value)
{
	struct reader *reader = context;
	const struct setting *setting = find_setting(section, name);
	uint32_t bit = setting == NULL ? 0 : 1U << (setting - settings);
	char wrong[PROBLEM_DETAIL_SIZE] = "";

	if (setting == NULL)
		snprintf(wrong, sizeof wrong, "there is no setting %s%.32s%s%.64s",
			 section[0] == '\0' ? "" : "[", section, section[0] == '\0' ? "" : "] ",
			 name);
	else if ((reader->seen & bit) != 0)
		snprintf(wrong, sizeof wrong, "%s is set twice", setting->name);
	else if (!setting->read(reader->config, value))
		say_expected(setting, value, wrong);
	reader->seen |= bit;
	if (reader->detail[0] == '\0')
		snprintf(reader->detail, PROBLEM_DETAIL_SIZE, "%s", wrong);
	return wrong[0] == '\0';
}

static bool parse_config(struct config *config, FILE *file, const char *path, char *detail)
{
	char what[PROBLEM_DETAIL_SIZE] = "";
	struct reader reader = { .config = config, .detail = what };
	int line = ini_parse_file(file, read_line, &reader);

	if (line == 0)
		return true;
	snprintf(detail, PROBLEM_DETAIL_SIZE, "%.100s line %d: %.120s", path, line < 0 ? 0 : line,
		 what[0] == '\0' ? "not NAME = VALUE" : what);
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

/* Open the file if it is there and nobody else can have written it. False with `detail` set. */
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

bool config_load(struct config *config, const char *path, char detail[PROBLEM_DETAIL_SIZE])
{
	bool good = true;
	FILE *file;

	set_defaults(config);
	if (!open_config(path, &file, detail))
		return false;
	if (file != NULL) {
		good = parse_config(config, file, path, detail);
		fclose(file);
	}
	if (config->single_use == SINGLE_USE_AUTO)
		config->single_use = providers[config->provider].single_use;
	if (config->single_use == SINGLE_USE_AUTO)
		config->single_use =
			pam_wired(PAM_WIRED_FILE) ? SINGLE_USE_PAM : SINGLE_USE_CONNECTION;
	return good;
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
