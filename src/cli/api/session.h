/* SPDX-License-Identifier: Apache-2.0 */
/* One login that the control plane allowed: where to, as whom, and the host keys to expect. */
#ifndef EXC_CLI_API_SESSION_H
#define EXC_CLI_API_SESSION_H

#include <stdbool.h>

#include "cli/api/credentials.h"
#include "base/ssh_keypair.h"
#include "grant/grant.h"

/* A name for a VM, and its NUL */
#define VM_ID_SIZE 65
/* The name under which ssh knows the VM: "exc-" and its id */
#define VM_ALIAS_PREFIX "exc-"
#define VM_ALIAS_SIZE (sizeof VM_ALIAS_PREFIX - 1 + VM_ID_SIZE)
#define SESSION_ID_SIZE 129
#define SESSION_HOST_SIZE 256
#define SESSION_HOST_KEYS_MAX 16
#define SESSION_TIME_SIZE 40

struct session_wish {
	const char *vm_id;
	const char *user; /* NULL: the first that the VM allows */
	const char *command; /* the only command that the key may run; NULL: any, and a terminal */
};

struct session {
	char id[SESSION_ID_SIZE]; /* 1 to 128 of A-Z a-z 0-9 . _ ~ - */
	char alias[VM_ALIAS_SIZE];
	char user[GRANT_USER_SIZE];
	char host[SESSION_HOST_SIZE]; /* a name, or an address without brackets */
	unsigned int port;
	unsigned int expires_in; /* seconds */
	unsigned int host_key_count;
	/* "TYPE BASE64", printed again from checked fields; owned */
	char *host_keys[SESSION_HOST_KEYS_MAX];
};

/* May this be a VM's id? 1 to 64 letters, digits, dots, dashes and underscores, the first a letter
 * or digit: names that mean nothing else in a URL, an option of ssh or a known_hosts line. */
bool vm_id_is_valid(const char *vm_id);

/* Make a key pair and have the control plane allow it one login. Prints what failed, and warns if
 * the VM's host key has changed. On success `pair` has the secret, which the caller passes to
 * keypair_forget(), and `session` to session_free(); on failure both are empty. */
bool session_mint(const struct account *account, const struct session_wish *wish,
		  struct keypair *pair, struct session *session);

void session_free(struct session *session);
#define _cleanup_session_ _cleanup_(session_free)

#endif
