/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSH's client in its own pseudo-terminal, with a key and host keys that are in no file. */
#include "connectd/socket/ssh_client.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "connectd/loop/children.h"
#include "base/cleanup.h"

/* "/dev/pts/N" */
#define TERMINAL_NAME_SIZE 64
/* "UserKnownHostsFile=/proc/PID/fd/N" */
#define OPTION_SIZE 96

/* The name in known_hosts: the keys are this instance's, whatever its address. */
#define ALIAS "instance"

static void close_one(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static bool store_host_keys(struct ssh_client *client, const cJSON *host_keys)
{
	_cleanup_free_ char *lines = NULL;
	size_t length = 0;
	FILE *stream = open_memstream(&lines, &length);
	const cJSON *host_key;
	bool good;

	if (stream == NULL)
		return false;
	cJSON_ArrayForEach(host_key, host_keys)
	{
		const char *text = cJSON_GetStringValue(host_key);

		if (text != NULL)
			fprintf(stream, ALIAS " %s\n", text);
	}
	/* A file in memory has at least one byte, and ssh ignores empty lines. */
	fputc('\n', stream);
	good = ferror(stream) == 0;
	return fclose(stream) == 0 && good &&
	       memory_file_make(&client->known_hosts, "exc-known-hosts", lines, length);
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

/* In the child: become ssh. It reads the memory files through its parent's /proc entry, because it
 * closes every descriptor that it does not know. */
static void run_ssh(const struct ssh_client *client, const struct ssh_target *target, pid_t parent,
		    int terminal, int log)
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
		/* the log shows when the key has been used */
		"-o", "LogLevel=VERBOSE", "-o", "ConnectTimeout=" SSH_CLIENT_CONNECT_SECONDS, "-o",
		"ServerAliveInterval=" SSH_CLIENT_ALIVE_SECONDS, "-o", "ServerAliveCountMax=3",
		"-p", port, "-l", target->user, "--", target->host, NULL
	};
	/* NOLINTEND(bugprone-suspicious-missing-comma) */

	snprintf(key, sizeof key, "IdentityFile=%s", client->key.path);
	snprintf(known_hosts, sizeof known_hosts, "UserKnownHostsFile=%s",
		 client->known_hosts.path);
	snprintf(port, sizeof port, "%d", target->port);
	if (setsid() < 0 || ioctl(terminal, TIOCSCTTY, 0) != 0 || dup2(terminal, 0) < 0 ||
	    dup2(terminal, 1) < 0 || dup2(log, 2) < 0 || !child_prepare(parent))
		return;
	execve(SSH_CLIENT_PROGRAM, (char *const *)arguments, (char *const *)environment);
	dprintf(2, "cannot run %s: is openssh-client installed?\n", SSH_CLIENT_PROGRAM);
}

static bool start_ssh(struct ssh_client *client, const struct ssh_target *target,
		      const char *private_key)
{
	_cleanup_close_ int terminal = -1, log = -1;
	pid_t parent = getpid();
	int ends[2];

	if (!memory_file_make(&client->key, "exc-key", private_key, strlen(private_key)) ||
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
		run_ssh(client, target, parent, terminal, log);
		_exit(255);
	}
	return client->pid > 0;
}

bool ssh_client_start(struct ssh_client *client, const struct ssh_target *target,
		      const char *private_key)
{
	*client = (struct ssh_client){
		.terminal = -1, .log = -1, .key = MEMORY_FILE_NONE, .known_hosts = MEMORY_FILE_NONE
	};
	if (start_ssh(client, target, private_key))
		return true;
	ssh_client_forget(client);
	close_one(&client->terminal);
	close_one(&client->log);
	return false;
}

void ssh_client_forget(struct ssh_client *client)
{
	memory_file_wipe(&client->key);
	memory_file_wipe(&client->known_hosts);
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
