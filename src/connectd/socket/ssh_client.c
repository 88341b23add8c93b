/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSH's client in a pseudo-terminal of its own, with a key and host keys that are in no file.
 */
#include "connectd/socket/ssh_client.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "connectd/loop/children.h"
#include "base/ssh_keypair.h"
#include "base/cleanup.h"

/* "/dev/pts/N" */
#define TERMINAL_NAME_SIZE 64
/* "UserKnownHostsFile=/proc/PID/fd/N" */
#define OPTION_SIZE 96
/* The number of a process, as text */
#define PID_SIZE 16

/* A known host's name: the keys are this instance's, whatever its address. */
#define ALIAS "instance"

static void close_one(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* A file in memory that only we may read. */
static int make_file(const char *name)
{
	int fd = memfd_create(name, MFD_CLOEXEC);

	if (fd >= 0 && fchmod(fd, 0600) != 0)
		close_one(&fd);
	return fd;
}

static bool store_key(struct ssh_client *client, const char *private_key)
{
	size_t length = strlen(private_key);
	void *memory;

	client->key = make_file("exc-key");
	if (client->key < 0 || length == 0 || length > KEYPAIR_PRIVATE_SIZE ||
	    ftruncate(client->key, (off_t)length) != 0)
		return false;
	memory = mmap(NULL, KEYPAIR_PRIVATE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, client->key,
		      0);
	if (memory == MAP_FAILED)
		return false;
	/* vault_init() has said it if memory may not be locked. */
	mlock(memory, KEYPAIR_PRIVATE_SIZE);
	madvise(memory, KEYPAIR_PRIVATE_SIZE, MADV_DONTDUMP);
	madvise(memory, KEYPAIR_PRIVATE_SIZE, MADV_DONTFORK);
	memcpy(memory, private_key, length);
	client->key_memory = memory;
	return true;
}

static bool store_host_keys(struct ssh_client *client, const cJSON *host_keys)
{
	const cJSON *host_key;

	client->known_hosts = make_file("exc-known-hosts");
	if (client->known_hosts < 0)
		return false;
	cJSON_ArrayForEach(host_key, host_keys)
	{
		const char *text = cJSON_GetStringValue(host_key);

		if (text != NULL && dprintf(client->known_hosts, ALIAS " %s\n", text) < 0)
			return false;
	}
	return true;
}

/* The other side of the pseudo-terminal, or -1 */
static int open_terminal(struct ssh_client *client)
{
	const struct winsize size = { .ws_col = SSH_CLIENT_COLUMNS, .ws_row = SSH_CLIENT_ROWS };
	char name[TERMINAL_NAME_SIZE];

	client->terminal = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (client->terminal < 0 || grantpt(client->terminal) != 0 ||
	    unlockpt(client->terminal) != 0 ||
	    ptsname_r(client->terminal, name, sizeof name) != 0 ||
	    ioctl(client->terminal, TIOCSWINSZ, &size) != 0)
		return -1;
	return open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
}

/* Our number in the /proc that is mounted, which may count otherwise than getpid() does. */
static bool read_own_pid(char pid[PID_SIZE])
{
	ssize_t length = readlink("/proc/self", pid, PID_SIZE - 1);

	pid[length < 0 ? 0 : length] = '\0';
	return length > 0;
}

/* In the child: become ssh. What is in memory it reads as a file of its parent's, for it closes
 * every descriptor that it does not know. */
static void run_ssh(const struct ssh_client *client, const struct ssh_target *target, pid_t parent,
		    const char *own_pid, int terminal, int log)
{
	static const char *const environment[] = { "TERM=xterm-256color", NULL };
	char key[OPTION_SIZE], known_hosts[OPTION_SIZE], port[16];
	/* NOLINTBEGIN(bugprone-suspicious-missing-comma): ALIAS and the seconds are part of their
	 * word */
	const char *const arguments[] = {
		SSH_CLIENT_PROGRAM, "-F", "/dev/null", "-t", "-a", "-x", "-e", "none",
		/* one key, no questions */
		"-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-o",
		"PreferredAuthentications=publickey", "-o", key,
		/* one host */
		"-o", "StrictHostKeyChecking=yes", "-o", known_hosts, "-o",
		"GlobalKnownHostsFile=/dev/null", "-o", "HostKeyAlias=" ALIAS, "-o",
		"CheckHostIP=no", "-o", "UpdateHostKeys=no",
		/* a terminal and nothing else */
		"-o", "ClearAllForwardings=yes", "-o", "PermitLocalCommand=no", "-o",
		"ControlMaster=no", "-o", "ControlPath=none", "-o", "Tunnel=no",
		/* the log says when the key has been used */
		"-o", "LogLevel=VERBOSE", "-o", "ConnectTimeout=" SSH_CLIENT_CONNECT_SECONDS, "-o",
		"ServerAliveInterval=" SSH_CLIENT_ALIVE_SECONDS, "-o", "ServerAliveCountMax=3",
		"-p", port, "-l", target->user, "--", target->host, NULL
	};
	/* NOLINTEND(bugprone-suspicious-missing-comma) */

	snprintf(key, sizeof key, "IdentityFile=/proc/%s/fd/%d", own_pid, client->key);
	snprintf(known_hosts, sizeof known_hosts, "UserKnownHostsFile=/proc/%s/fd/%d", own_pid,
		 client->known_hosts);
	snprintf(port, sizeof port, "%d", target->port);
	if (setsid() < 0 || ioctl(terminal, TIOCSCTTY, 0) != 0 || dup2(terminal, 0) < 0 ||
	    dup2(terminal, 1) < 0 || dup2(log, 2) < 0 || !child_prepare(parent))
		return;
	execve(SSH_CLIENT_PROGRAM, (char *const *)arguments, (char *const *)environment);
	dprintf(2, "%s cannot be run: is openssh-client installed?\n", SSH_CLIENT_PROGRAM);
}

static bool start_ssh(struct ssh_client *client, const struct ssh_target *target,
		      const char *private_key)
{
	_cleanup_close_ int terminal = -1, log = -1;
	char own_pid[PID_SIZE];
	pid_t parent = getpid();
	int ends[2];

	if (!read_own_pid(own_pid) || !store_key(client, private_key) ||
	    !store_host_keys(client, target->host_keys))
		return false;
	terminal = open_terminal(client);
	if (terminal < 0 || pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
		return false;
	client->log = ends[0];
	log = ends[1];
	if (fcntl(log, F_SETFL, 0) != 0)
		return false;
	client->pid = fork();
	if (client->pid == 0) {
		run_ssh(client, target, parent, own_pid, terminal, log);
		_exit(255);
	}
	return client->pid > 0;
}

bool ssh_client_start(struct ssh_client *client, const struct ssh_target *target,
		      const char *private_key)
{
	*client = (struct ssh_client){ .terminal = -1, .log = -1, .key = -1, .known_hosts = -1 };
	if (start_ssh(client, target, private_key))
		return true;
	ssh_client_forget(client);
	close_one(&client->terminal);
	close_one(&client->log);
	return false;
}

void ssh_client_forget(struct ssh_client *client)
{
	if (client->key_memory != NULL) {
		OPENSSL_cleanse(client->key_memory, KEYPAIR_PRIVATE_SIZE);
		munmap(client->key_memory, KEYPAIR_PRIVATE_SIZE);
	}
	client->key_memory = NULL;
	close_one(&client->key);
	close_one(&client->known_hosts);
}

void ssh_client_resize(const struct ssh_client *client, uint16_t columns, uint16_t rows)
{
	const struct winsize size = { .ws_col = columns == 0 ? 1 : columns,
				      .ws_row = rows == 0 ? 1 : rows };

	ioctl(client->terminal, TIOCSWINSZ, &size); /* SIGWINCH tells ssh */
}

bool ssh_client_is_raw(const struct ssh_client *client)
{
	struct termios mode;

	return tcgetattr(client->terminal, &mode) == 0 && (mode.c_lflag & ICANON) == 0;
}
