/* SPDX-License-Identifier: Apache-2.0 */
/* connectd.conf: every setting of the control plane, read in one place (exc-connectd.conf(5)). */
#ifndef EXC_CONNECTD_CONFIG_CONFIG_H
#define EXC_CONNECTD_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/ini.h"

#define CONNECTD_CONFIG_FILE SYSCONFDIR "/exc-instance-connect/connectd.conf"
#define CONNECTD_VALUE_SIZE INI_VALUE_SIZE
#define CONNECTD_ERROR_SIZE 384
#define CONNECTD_KEY_LIFETIME_MIN 5 /* seconds */
#define CONNECTD_KEY_LIFETIME_MAX 60
#define CONNECTD_RATE_MAX 100000
#define CONNECTD_TERMINAL_IDLE_MAX 86400 /* seconds */
#define CONNECTD_TERMINAL_MAX_MAX 604800
#define CONNECTD_SOCKETS_MAX 512

/* A numeric address and a port; with port 0 the kernel chooses. */
struct listen_address {
	char address[64];
	int port;
};

struct connectd_config {
	char database[CONNECTD_VALUE_SIZE];
	char signing_key[CONNECTD_VALUE_SIZE];
	char issuer[CONNECTD_VALUE_SIZE];
	struct listen_address compute_listen, metadata_listen;
	char compute_certificate[CONNECTD_VALUE_SIZE]; /* both empty: no TLS, and loopback only */
	char compute_private_key[CONNECTD_VALUE_SIZE];
	unsigned int key_lifetime; /* seconds */
	/* Requests that one principal may make, and keys that may be asked for one instance: in a
	 * minute (0: no limit), and at once */
	unsigned int principal_rate, principal_burst;
	unsigned int instance_rate, instance_burst;
	/* Seconds after which an idle terminal or console, and any socket at all, is closed */
	unsigned int terminal_idle, terminal_max;
	unsigned int sockets_max; /* open WebSockets of all kinds; 0: none */
	char allowed_origins[CONNECTD_VALUE_SIZE]; /* separated by spaces; see origin_is_allowed()
						    */
	bool plain_http; /* the compute API without TLS even where others may listen */
};

/* Read `path`, which must exist, or CONNECTD_CONFIG_FILE for NULL, without which the defaults
 * apply. False when it cannot be read or a line is wrong: `error` says which and why. */
bool connectd_config_load(struct connectd_config *config, const char *path,
			  char error[CONNECTD_ERROR_SIZE]);

#endif
