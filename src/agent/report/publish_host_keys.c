/* SPDX-License-Identifier: Apache-2.0 */
/* publish-host-keys: send this machine's SSH host keys to the control plane, so that clients know
 * them. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "agent/commands.h"
#include "agent/config/config.h"
#include "agent/report/host_keys.h"
#include "agent/provider/provider.h"
#include "agent/report/retry.h"
#include "base/json.h"

struct publication {
	const struct config *config;
	const char *const *files; /* NULL-ended; empty: HOST_KEYS_PATTERN */
	unsigned int count; /* of the keys that were accepted */
	bool said; /* the first failure was reported */
};

/* Report only the first failure and the last: the others are the same. */
static void say(struct publication *publication, bool last, const char *why)
{
	if (!publication->said || last)
		fprintf(stderr, "exc-instance-connect: the host keys were not published%s: %s\n",
			last ? "" : ", trying again", why);
	publication->said = true;
}

/* Read the keys again each time: they may be made in the meantime. */
static bool publish(void *context, bool last)
{
	struct publication *publication = context;
	const struct config *config = publication->config;
	_cleanup_json_ cJSON *document = cJSON_CreateObject();
	cJSON *keys = cJSON_AddArrayToObject(document, "host_keys");
	_cleanup_free_ char *text = NULL;
	char detail[PROBLEM_DETAIL_SIZE] = "not enough memory", why[3 * PROBLEM_DETAIL_SIZE];
	enum problem problem;

	if (!host_keys_read(publication->files, keys, detail)) {
		say(publication, last, detail);
		return false;
	}
	text = cJSON_PrintUnformatted(document);
	problem = text == NULL ? PROBLEM_ENDPOINT_UNREACHABLE
			       : provider_of(config)->send_host_keys(config, text, detail);
	publication->count = (unsigned int)cJSON_GetArraySize(keys);
	if (problem == PROBLEM_NONE)
		return true;
	snprintf(why, sizeof why, "%s (%s); %s", detail, problem_name(problem),
		 problem_advice(problem));
	say(publication, last, why);
	return false;
}

int publish_host_keys_main(int argc, char **argv, const char *config_path)
{
	char detail[PROBLEM_DETAIL_SIZE] = "";
	struct publication publication = { 0 };
	struct config config;
	unsigned int seconds;

	if (!retry_take_option(&argc, argv, &seconds) || (argc > 0 && argv[0][0] == '-')) {
		fprintf(stderr,
			"Usage: exc-instance-connect publish-host-keys [--retry SECONDS] [FILE...]\n"
			"SECONDS is 0 to %d; FILE is a host key's public half.\n",
			RETRY_SECONDS_MAX);
		return EXIT_USAGE;
	}
	if (!config_load(&config, config_path, detail)) {
		fprintf(stderr, "exc-instance-connect: %s\n", detail);
		return EXIT_FAILURE;
	}
	if (provider_of(&config)->send_host_keys == NULL) {
		printf("%s does not accept host keys; nothing was published\n",
		       config_provider_name(config.provider));
		return EXIT_SUCCESS;
	}
	publication.config = &config;
	publication.files = (const char *const *)argv;
	if (!retry(publish, &publication, seconds))
		return EXIT_FAILURE;
	printf("%u host keys were published to %s\n", publication.count, config.metadata_url);
	return EXIT_SUCCESS;
}
