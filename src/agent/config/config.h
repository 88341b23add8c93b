/* SPDX-License-Identifier: Apache-2.0 */
/* agent.conf: every setting of the agent, read in one place (exc-instance-connect.conf(5)). */
#ifndef EXC_AGENT_CONFIG_CONFIG_H
#define EXC_AGENT_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "agent/config/problem.h"
#include "base/ini.h"

#define CONFIG_VALUE_SIZE INI_VALUE_SIZE
#define CONFIG_FILE_BYTES_MAX (64 * 1024)
#define CONFIG_LIFETIME_MAX 60 /* seconds; the maximum */
#define CONFIG_CLOCK_SKEW_MAX 60 /* seconds */
#define CONFIG_TIMEOUT_MS_MIN 50
#define CONFIG_TIMEOUT_MS_MAX 10000

enum single_use {
	SINGLE_USE_AUTO, /* as PAM where the module is proved to spend keys, otherwise CONNECTION */
	SINGLE_USE_PAM, /* the module spends the key; where that is not proved, none is offered */
	SINGLE_USE_CONNECTION, /* an offer is for the first connection that asked */
	SINGLE_USE_NO, /* nothing is recorded; a key works until it expires */
};

enum log_level {
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG /* a line also for each key that no grant names */
};

/* Where grants come from: value, its name in agent.conf, and what single_use = auto means there.
 * The first one is the default. Clients of EC2's service open several connections with one push. */
#define CONFIG_PROVIDERS(X)                                                                        \
	X(PROVIDER_EXCLOUD, "excloud", SINGLE_USE_AUTO)                                            \
	X(PROVIDER_EC2, "ec2", SINGLE_USE_NO)

enum config_provider {
#define CONFIG_PROVIDER_VALUE(value, name, single_use) value,
	CONFIG_PROVIDERS(CONFIG_PROVIDER_VALUE)
#undef CONFIG_PROVIDER_VALUE
	CONFIG_PROVIDER_COUNT
};

struct config {
	enum config_provider provider;
	char metadata_url[CONFIG_VALUE_SIZE]; /* without a slash at the end */
	char instance_id[CONFIG_VALUE_SIZE]; /* "auto": instance_find() looks for it */
	char trust_dir[CONFIG_VALUE_SIZE];
	char signer_name[CONFIG_VALUE_SIZE]; /* empty: any x5c leaf of a trusted CA signs */
	char deny_users[CONFIG_VALUE_SIZE]; /* separated by spaces and commas */
	char next_command[CONFIG_VALUE_SIZE]; /* run after the agent; empty: nothing */
	unsigned int max_key_lifetime; /* seconds */
	unsigned int clock_skew; /* seconds */
	unsigned int timeout_ms;
	enum single_use single_use;
	enum log_level log_level;
	bool signed_time_required; /* an answer without it is refused */
	bool sandbox; /* enter the sandbox before reading from the network */
};

/* Read `path`, and before it OPERATOR_CONFIG_FILE if `path` is CONFIG_FILE; a missing file means
 * the defaults. False if it cannot be read, anyone but root and this user may write it, or a line
 * is not understood: `detail` then says which and why, and only timeout_ms and next_command of
 * `config` may be used: that is another way in, which a typo elsewhere must not close. */
bool config_load(struct config *config, const char *path, char detail[PROBLEM_DETAIL_SIZE]);

/* The same with the operator's file, which may have metadata_url and signer_name, named by the
 * caller; NULL for none. What `path` sets wins, and with a provider but excloud the
 * operator's file does not count. */
bool config_load_over(struct config *config, const char *operators, const char *path,
		      char detail[PROBLEM_DETAIL_SIZE]);

/* The provider of this name. False, with *provider unchanged, if there is none. */
bool config_provider_named(const char *name, enum config_provider *provider);

/* Its name; a string constant. */
const char *config_provider_name(enum config_provider provider);

/* All names, separated by commas, into `names` of `size` bytes. */
void config_provider_names(char *names, size_t size);

/* May this be next_command: an absolute path with arguments, and no tokens but %% %f %h %k %t %U %u
 * (sshd_config(5), TOKENS)? */
bool next_command_is_valid(const char *command);

/* Is this user among deny_users? */
bool config_denies(const struct config *config, const char *user);

#endif
