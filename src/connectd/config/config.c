/* SPDX-License-Identifier: Apache-2.0 */
/* connectd.conf: every setting of the control plane, read in one place (exc-connectd.conf(5)). */
#include "connectd/config/config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connectd/config/origin.h"
#include "base/ini.h"
#include "base/network.h"
#include "base/number.h"

/* 192.0.2.1:80 or [2001:db8::1]:80 */
static bool read_listen(void *out, const char *value, const struct ini_setting *setting)
{
	struct listen_address listen = { .port = 0 };
	const char *colon = strrchr(value, ':');
	size_t length = colon == NULL ? 0 : (size_t)(colon - value);
	bool brackets = length > 2 && value[0] == '[' && colon[-1] == ']';
	unsigned char binary[sizeof(struct in6_addr)];
	unsigned int port;

	(void)setting;
	if (brackets) {
		value++;
		length -= 2;
	}
	if (length == 0 || length >= sizeof listen.address ||
	    !number_parse(colon + 1, 0, 65535, &port))
		return false;
	memcpy(listen.address, value, length);
	listen.port = (int)port;
	if (inet_pton(brackets ? AF_INET6 : AF_INET, listen.address, binary) != 1)
		return false;
	memcpy(out, &listen, sizeof listen);
	return true;
}

static bool read_issuer(void *out, const char *value, const struct ini_setting *setting)
{
	if (value[0] == '\0')
		return false;
	for (const char *at = value; *at != '\0'; at++)
		if (*at < 0x20 || *at > 0x7e)
			return false;
	return ini_text(out, value, setting);
}

static bool read_allowed_origins(void *out, const char *value, const struct ini_setting *setting)
{
	return origins_are_valid(value) && ini_text(out, value, setting);
}

#define SETTING_IN(name_, member, reader, ...)                                                     \
	{                                                                                          \
		.name = (name_), .read = (reader),                                                 \
		.offset = offsetof(struct connectd_config, member), __VA_ARGS__                    \
	}
#define SETTING(member, ...) SETTING_IN(#member, member, __VA_ARGS__)
#define PATH .expected = "a path that starts with a slash"
#define LISTEN .expected = "ADDRESS:PORT or [IPv6]:PORT"
#define RATE .expected = "0 to 100000 in a minute", .max = CONNECTD_RATE_MAX
#define BURST .expected = "1 to 100000", .min = 1, .max = CONNECTD_RATE_MAX
static const struct ini_setting settings[] = {
	SETTING(database, ini_path, PATH),
	SETTING(signing_key, ini_path, PATH),
	SETTING(issuer, read_issuer, .expected = "printable text"),
	SETTING(compute_listen, read_listen, LISTEN),
	SETTING(compute_certificate, ini_path, PATH),
	SETTING(compute_private_key, ini_path, PATH),
	SETTING(metadata_listen, read_listen, LISTEN),
	SETTING(key_lifetime, ini_number, .expected = "5 to 60 seconds",
		.min = CONNECTD_KEY_LIFETIME_MIN, .max = CONNECTD_KEY_LIFETIME_MAX),
	SETTING(principal_rate, ini_number, RATE),
	SETTING(principal_burst, ini_number, BURST),
	SETTING(instance_rate, ini_number, RATE),
	SETTING(instance_burst, ini_number, BURST),
	SETTING(terminal_idle, ini_number, .expected = "1 to 86400 seconds", .min = 1,
		.max = CONNECTD_TERMINAL_IDLE_MAX),
	SETTING(terminal_max, ini_number, .expected = "1 to 604800 seconds", .min = 1,
		.max = CONNECTD_TERMINAL_MAX_MAX),
	SETTING(sockets_max, ini_number, .expected = "0 to 512", .max = CONNECTD_SOCKETS_MAX),
	SETTING(allowed_origins, read_allowed_origins,
		.expected = "a list of origins such as https://console.example.net"),
	SETTING_IN("compute_plain_http", plain_http, ini_yes_no, .expected = "yes or no"),
};

static bool check_tls(const struct connectd_config *config, char *error)
{
	bool certificate = config->compute_certificate[0] != '\0';
	bool private_key = config->compute_private_key[0] != '\0';

	if (certificate != private_key) {
		snprintf(
			error, CONNECTD_ERROR_SIZE,
			"compute_certificate and compute_private_key go together: set both or none");
		return false;
	}
	if (certificate || config->plain_http ||
	    network_is_loopback(config->compute_listen.address))
		return true;
	snprintf(
		error, CONNECTD_ERROR_SIZE,
		"compute_listen = %s is not a loopback address, and private keys never cross a network "
		"without TLS: set compute_certificate and compute_private_key, or compute_plain_http = yes "
		"where something else encrypts",
		config->compute_listen.address);
	return false;
}

bool connectd_config_load(struct connectd_config *config, const char *path,
			  char error[CONNECTD_ERROR_SIZE])
{
	const char *name = path == NULL ? CONNECTD_CONFIG_FILE : path;
	char why[INI_WHY_SIZE];
	int line = 0;
	FILE *file;

	*config = (struct connectd_config){
		.database = LOCALSTATEDIR "/lib/exc-connectd/connectd.db",
		.signing_key = LOCALSTATEDIR "/lib/exc-connectd/signing-key.pem",
		.issuer = "exc-connectd",
		.compute_listen = { "127.0.0.1", 8443 },
		.metadata_listen = { "169.254.169.254", 80 },
		.key_lifetime = CONNECTD_KEY_LIFETIME_MAX,
		.principal_rate = 600,
		.principal_burst = 300,
		.instance_rate = 600,
		.instance_burst = 300,
		.terminal_idle = 900,
		.terminal_max = 28800,
		.sockets_max = 256,
	};
	file = fopen(name, "re");
	if (file == NULL && (path != NULL || errno != ENOENT)) {
		snprintf(error, CONNECTD_ERROR_SIZE, "%.200s: %s; see exc-connectd.conf(5)", name,
			 strerror(errno));
		return false;
	}
	if (file != NULL) {
		line = ini_read(file, settings, sizeof settings / sizeof settings[0], config, why);
		fclose(file);
	}
	if (line > 0) {
		snprintf(error, CONNECTD_ERROR_SIZE, "%.150s line %d: %.200s", name, line, why);
		return false;
	}
	return check_tls(config, error);
}
