/* SPDX-License-Identifier: Apache-2.0 */
/* The running sshd, as the kernel and systemd see it: its process, and the sockets it listens on.
 */
#ifndef EXC_AGENT_WIRING_SSHD_RUNNING_H
#define EXC_AGENT_WIRING_SSHD_RUNNING_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "agent/wiring/sshd_config.h"

/* Addresses of one sshd that are checked, and bytes of one as text: "[address]:port" */
#define SSHD_ADDRESSES_MAX 32
#define SSHD_ADDRESS_SIZE 64
/* Bytes of a process's title that are read */
#define SSHD_TITLE_SIZE 4096

struct sshd_address {
	struct sockaddr_storage at; /* as it is bound: the wildcard is not replaced */
	bool answers; /* it sent an sshd banner when it was checked */
};

/* Where the addresses come from */
enum sshd_address_source {
	SSHD_ADDRESSES_CONFIGURED, /* what sshd -T asks for: no socket could be seen */
	SSHD_ADDRESSES_SYSTEMD, /* systemd listens, and passes the socket on */
	SSHD_ADDRESSES_OWN /* the sockets of the process */
};

struct sshd_running {
	const char *unit; /* that it runs as, a constant; NULL: systemd does not run it */
	const char *socket_unit; /* that is active, the same */
	pid_t pid; /* the process that accepts connections; 0: there is none */
	char title[SSHD_TITLE_SIZE]; /* that process's command line, as far as it is visible */
	bool has_pid_file; /* the file that sshd -T names as its PidFile names the process */
	enum sshd_address_source source;
	unsigned int count;
	struct sshd_address addresses[SSHD_ADDRESSES_MAX];
};

/* Does systemd manage this machine now? Not in an image that is being built. */
bool sshd_running_has_systemd(void);

/* Find all of that, without connecting to an address; `effective` is what sshd -T prints. */
void sshd_running_look(const struct sshd_effective *effective, struct sshd_running *running);

/* Does this process still run, or is the unit still active? */
bool sshd_running_is_alive(const struct sshd_running *running);

/* Does sshd listen on this one? */
bool sshd_running_has(const struct sshd_running *running, const struct sockaddr_storage *at);

/* Does this command line make sshd read a file other than /etc/ssh/sshd_config? */
bool sshd_title_has_other_config(const char *title);

/* The addresses that sshd -T asks for, into `addresses`. Returns how many; *all is false if one of
 * them was not understood, or there are more than SSHD_ADDRESSES_MAX. */
unsigned int sshd_addresses_asked(const struct sshd_effective *effective,
				  struct sshd_address addresses[SSHD_ADDRESSES_MAX], bool *all);

bool sshd_address_same(const struct sockaddr_storage *one, const struct sockaddr_storage *other);
socklen_t sshd_address_length(const struct sockaddr_storage *at);

/* "0.0.0.0:22" or "[::]:22" */
void sshd_address_print(const struct sockaddr_storage *at, char text[SSHD_ADDRESS_SIZE]);

#endif
