/* SPDX-License-Identifier: Apache-2.0 */
/* agent.conf: what is taken is within its bounds, and a next_command that is taken can be run. */
#include "fuzz.h"

#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/config/config.h"
#include "agent/config/instance_id.h"
#include "agent/answer/next_command.h"

static const struct login_attempt queries[] = {
	{ .user = "ubuntu",
	  .passed_fingerprint = "SHA256:ZkAslGjFiUHdGf/WUL8rQvkib4PTvQatUV0OUQSncCA",
	  .key_type = "ssh-ed25519",
	  .key = "AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f" },
	{ .user = "nobody-of-this-name", .passed_fingerprint = "MD5:00" },
};
static int file;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	file = memfd_create("agent.conf", MFD_CLOEXEC);
	must(file >= 0 && fchmod(file, 0600) == 0);
	return 0;
}

/* Every word of it ends within the bytes that were made for them. */
static void check_next_command(const char *command)
{
	char why[PROBLEM_DETAIL_SIZE] = "";
	struct words words;

	if (command[0] == '\0')
		return;
	must(command[0] == '/' && next_command_is_valid(command));
	for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
		if (!next_command_expand(command, &queries[i], &words, why, sizeof why)) {
			must(why[0] != '\0');
			continue;
		}
		must(words.count > 0 && words.at[words.count] == NULL && words.at[0][0] == '/');
		for (size_t word = 0; word < words.count; word++)
			must(words.at[word] >= words.bytes &&
			     words.at[word] + strlen(words.at[word]) <
				     words.bytes + sizeof words.bytes);
	}
}

static void check(const struct config *config)
{
	must((unsigned int)config->provider < CONFIG_PROVIDER_COUNT);
	must(strncmp(config->metadata_url, "http", 4) == 0);
	must(config->metadata_url[strlen(config->metadata_url) - 1] != '/');
	must(instance_id_is_valid(config->instance_id));
	must(config->trust_dir[0] == '/');
	must(config->max_key_lifetime >= 1 && config->max_key_lifetime <= CONFIG_LIFETIME_MAX);
	must(config->clock_skew <= CONFIG_CLOCK_SKEW_MAX);
	must(config->provider != PROVIDER_EC2 || config->single_use != SINGLE_USE_AUTO);
	must(!config_denies(config, ""));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	char path[64], detail[PROBLEM_DETAIL_SIZE] = "";
	struct config config;

	must(ftruncate(file, 0) == 0 && pwrite(file, bytes, length, 0) == (ssize_t)length);
	snprintf(path, sizeof path, "/proc/self/fd/%d", file);
	if (config_load(&config, path, detail))
		check(&config);
	else
		must(detail[0] != '\0');
	/* These two count whatever the rest is. */
	must(config.timeout_ms >= CONFIG_TIMEOUT_MS_MIN &&
	     config.timeout_ms <= CONFIG_TIMEOUT_MS_MAX);
	check_next_command(config.next_command);
	return 0;
}
