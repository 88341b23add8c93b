/* SPDX-License-Identifier: Apache-2.0 */
/* connectd.conf: every setting of the control plane, read in one place (exc-connectd.conf(5)). */
#include "connectd/config/config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ini.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connectd/config/origin.h"
#include "base/network.h"

struct reader {
	struct connectd_config *config;
	char what[CONNECTD_ERROR_SIZE]; /* the first thing that was wrong */
	uint32_t seen; /* a bit for each setting */
};

static bool read_number(const char *text, unsigned int min, unsigned int max, unsigned int *out)
{
	unsigned int number = 0;
	size_t length = strlen(text);

	if (length == 0 || length > 6 || strspn(text, "0123456789") != length)
		return false;
	for (; *text != '\0'; text++)
		number = 10 * number + (unsigned int)(*text - '0');
	*out = number;
	return number >= min && number <= max;
}

/* 192.0.2.1:80 or [2001:db8::1]:80 */
static bool read_listen(struct listen_address *listen, const char *value)
{
	const char *colon = strrchr(value, ':');
	size_t length = colon == NULL ? 0 : (size_t)(colon - value);
	bool brackets = length > 2 && value[0] == '[' && colon[-1] == ']';
	unsigned char binary[sizeof(struct in6_addr)];
	unsigned int port;

	if (brackets) {
		value++;
		length -= 2;
	}
	if (length == 0 || length >= sizeof listen->address ||
	    !read_number(colon + 1, 0, 65535, &port))
		return false;
	memcpy(listen->address, value, length);
	listen->address[length] = '\0';
	listen->port = (int)port;
	return inet_pton(brackets ? AF_INET6 : AF_INET, listen->address, binary) == 1;
}

static bool read_path(char *out, const char *value)
{
	if (value[0] != '/' || strlen(value) >= CONNECTD_VALUE_SIZE)
		return false;
	memcpy(out, value, strlen(value) + 1);
	return true;
}

static bool read_issuer(struct connectd_config *config, const char *value)
{
	size_t length = strlen(value);

	if (length == 0 || length >= CONNECTD_VALUE_SIZE)
		return false;
	for (size_t i = 0; i < length; i++)
		if (value[i] < 0x20 || value[i] > 0x7e)
			return false;
	memcpy(config->issuer, value, length + 1);
	return true;
}

static bool read_database(struct connectd_config *config, const char *value)
{
	return read_path(config->database, value);
}

static bool read_signing_key(struct connectd_config *config, const char *value)
{
	return read_path(config->signing_key, value);
}

static bool read_compute_listen(struct connectd_config *config, const char *value)
{
	return read_listen(&config->compute_listen, value);
}

static bool read_certificate(struct connectd_config *config, const char *value)
{
	return read_path(config->compute_certificate, value);
}

static bool read_private_key(struct connectd_config *config, const char *value)
{
	return read_path(config->compute_private_key, value);
}

static bool read_metadata_listen(struct connectd_config *config, const char *value)
{
	return read_listen(&config->metadata_listen, value);
}

static bool read_key_lifetime(struct connectd_config *config, const char *value)
{
	return read_number(value, CONNECTD_KEY_LIFETIME_MIN, CONNECTD_KEY_LIFETIME_MAX,
			   &config->key_lifetime);
}

static bool read_principal_rate(struct connectd_config *config, const char *value)
{
	return read_number(value, 0, CONNECTD_RATE_MAX, &config->principal_rate);
}

static bool read_principal_burst(struct connectd_config *config, const char *value)
{
	return read_number(value, 1, CONNECTD_RATE_MAX, &config->principal_burst);
}

static bool read_instance_rate(struct connectd_config *config, const char *value)
{
	return read_number(value, 0, CONNECTD_RATE_MAX, &config->instance_rate);
}

static bool read_instance_burst(struct connectd_config *config, const char *value)
{
	return read_number(value, 1, CONNECTD_RATE_MAX, &config->instance_burst);
}

static bool read_terminal_idle(struct connectd_config *config, const char *value)
{
	return read_number(value, 1, CONNECTD_TERMINAL_IDLE_MAX, &config->terminal_idle);
}

static bool read_terminal_max(struct connectd_config *config, const char *value)
{
	return read_number(value, 1, CONNECTD_TERMINAL_MAX_MAX, &config->terminal_max);
}

static bool read_sockets_max(struct connectd_config *config, const char *value)
{
	return read_number(value, 0, CONNECTD_SOCKETS_MAX, &config->sockets_max);
}

static bool read_allowed_origins(struct connectd_config *config, const char *value)
{
	if (strlen(value) >= CONNECTD_VALUE_SIZE || !origins_are_valid(value))
		return false;
	snprintf(config->allowed_origins, CONNECTD_VALUE_SIZE, "%s", value);
	return true;
}

static bool read_plain_http(struct connectd_config *config, const char *value)
{
	config->plain_http = strcmp(value, "yes") == 0;
	return config->plain_http || strcmp(value, "no") == 0;
}

static const struct setting {
	const char *name;
	bool (*read)(struct connectd_config *config, const char *value);
	const char *expected;
} settings[] = {
	{ "database", read_database, "a path that starts with a slash" },
	{ "signing_key", read_signing_key, "a path that starts with a slash" },
	{ "issuer", read_issuer, "printable text" },
	{ "compute_listen", read_compute_listen, "ADDRESS:PORT or [IPv6]:PORT" },
	{ "compute_certificate", read_certificate, "a path that starts with a slash" },
	{ "compute_private_key", read_private_key, "a path that starts with a slash" },
	{ "metadata_listen", read_metadata_listen, "ADDRESS:PORT or [IPv6]:PORT" },
	{ "key_lifetime", read_key_lifetime, "5 to 60 seconds" },
	{ "principal_rate", read_principal_rate, "0 to 100000 in a minute" },
	{ "principal_burst", read_principal_burst, "1 to 100000" },
	{ "instance_rate", read_instance_rate, "0 to 100000 in a minute" },
	{ "instance_burst", read_instance_burst, "1 to 100000" },
	{ "terminal_idle", read_terminal_idle, "1 to 86400 seconds" },
	{ "terminal_max", read_terminal_max, "1 to 604800 seconds" },
	{ "sockets_max", read_sockets_max, "0 to 512" },
	{ "allowed_origins", read_allowed_origins,
	  "a list of origins such as https://console.example.net" },
	{ "compute_plain_http", read_plain_http, "yes or no" },
};

/* inih calls this for every line; 0 tells it that the line is wrong. */
static int read_line(void *context, const char *section, const char *name, const char *value)
{
	struct reader *reader = context;
	size_t which = 0;

	if (reader->what[0] != '\0')
		return 0;
	while (which < sizeof settings / sizeof settings[0] &&
	       strcmp(settings[which].name, name) != 0)
		which++;
	if (section[0] != '\0' || which == sizeof settings / sizeof settings[0])
		snprintf(reader->what, sizeof reader->what, "there is no setting %.64s", name);
	else if ((reader->seen & 1U << which) != 0)
		snprintf(reader->what, sizeof reader->what, "%s is set twice", name);
	else if (!settings[which].read(reader->config, value))
		snprintf(reader->what, sizeof reader->what, "%s = %.64s is not %s", name, value,
			 settings[which].expected);
	reader->seen |= 1U << which;
	return reader->what[0] == '\0';
}

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
	const char *file = path == NULL ? CONNECTD_CONFIG_FILE : path;
	struct reader reader = { .config = config };
	int line;

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
	line = ini_parse(file, read_line, &reader);
	if (line < 0 && path == NULL && errno == ENOENT)
		line = 0;
	if (line < 0) {
		snprintf(error, CONNECTD_ERROR_SIZE, "%.200s: %s; see exc-connectd.conf(5)", file,
			 strerror(errno));
		return false;
	}
	if (line > 0) {
		snprintf(error, CONNECTD_ERROR_SIZE, "%.150s line %d: %.200s", file, line,
			 reader.what[0] == '\0' ? "not NAME = VALUE" : reader.what);
		return false;
	}
	return check_tls(config, error);
}
