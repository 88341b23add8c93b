/* SPDX-License-Identifier: Apache-2.0 */
/* Give a one-time key to the user's agent, and start one if none is running. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "cli/key_agent/agent.h"
#include "cli/key_agent/agent_protocol.h"
#include "base/cleanup.h"
#include "base/ssh_key.h"

#define ANSWER_SECONDS 5
#define BACKLOG 128
/* uint32 1, byte AGENT_SUCCESS */
#define ANSWER_BYTES 5

static bool set_address(struct sockaddr_un *address, const char *folder)
{
	memset(address, 0, sizeof *address);
	address->sun_family = AF_UNIX;
	return snprintf(address->sun_path, sizeof address->sun_path, "%s/" AGENT_SOCKET, folder) <
	       (int)sizeof address->sun_path;
}

static int connect_to(const struct sockaddr_un *address)
{
	const struct timeval patience = { .tv_sec = ANSWER_SECONDS };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	if (connect(fd, (const struct sockaddr *)address, sizeof *address) == 0)
		return fd;
	close(fd);
	return -1;
}

/* In the new process: no terminal, no pipe of ssh, nothing that keeps anything else open. */
static _Noreturn void become_agent(int listener, int lock, const char *folder)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	close(lock);
	setsid();
	prctl(PR_SET_DUMPABLE, 0);
	for (int fd = STDIN_FILENO; null >= 0 && fd <= STDERR_FILENO; fd++)
		dup2(null, fd);
	if (null > STDERR_FILENO)
		close(null);
	if (chdir("/") == 0)
		agent_serve(listener, folder);
	_exit(0);
}

/* The socket exists before this returns, so that anyone who connects waits for the agent. */
static bool start_agent(const struct sockaddr_un *address, int lock, const char *folder)
{
	_cleanup_close_ int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pid_t child;

	unlink(address->sun_path);
	umask(077);
	if (listener < 0 ||
	    bind(listener, (const struct sockaddr *)address, sizeof *address) != 0 ||
	    listen(listener, BACKLOG) != 0)
		return false;
	child = fork();
	if (child == 0)
		become_agent(listener, lock, folder);
	return child > 0;
}

static bool send_key(int fd, const struct keypair *pair, unsigned int lifetime)
{
	static const uint8_t success[ANSWER_BYTES] = { 0, 0, 0, 1, AGENT_SUCCESS };
	struct wire_writer message = { .length = 0 }, framed = { .length = 0 };
	uint8_t answer[ANSWER_BYTES];
	struct ssh_key key;
	bool good;

	if (ssh_key_parse(pair->public_key, &key) != SSH_KEY_OK)
		return false;
	wire_put_byte(&message, AGENT_EXTENSION);
	wire_put_string(&message, AGENT_EXTENSION_KEY, strlen(AGENT_EXTENSION_KEY));
	wire_put_string(&message, key.blob, key.blob_length);
	wire_put_string(&message, pair->seed, sizeof pair->seed);
	wire_put_uint32(&message, lifetime);
	wire_put_string(&framed, message.bytes, message.length);
	good = send(fd, framed.bytes, framed.length, MSG_NOSIGNAL) == (ssize_t)framed.length &&
	       recv(fd, answer, sizeof answer, MSG_WAITALL) == ANSWER_BYTES &&
	       memcmp(answer, success, sizeof answer) == 0;
	OPENSSL_cleanse(&message, sizeof message);
	OPENSSL_cleanse(&framed, sizeof framed);
	return good;
}

bool agent_hand_over(const char *folder, const struct keypair *pair, unsigned int lifetime,
		     char *why, size_t size)
{
	_cleanup_close_ int lock = -1, fd = -1;
	struct sockaddr_un address;
	char lock_path[PATH_MAX];

	if (!set_address(&address, folder)) {
		snprintf(why, size, "the path of the directory %.200s is too long for a socket",
			 folder);
		return false;
	}
	snprintf(lock_path, sizeof lock_path, "%s/" AGENT_LOCK, folder);
	lock = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (lock < 0 || flock(lock, LOCK_EX) != 0) {
		snprintf(why, size, "%.200s: %s", lock_path, strerror(errno));
		return false;
	}
	fd = connect_to(&address);
	if (fd < 0 && start_agent(&address, lock, folder))
		fd = connect_to(&address);
	if (fd < 0)
		snprintf(why, size, "no agent answers at %.200s: %s", address.sun_path,
			 strerror(errno));
	else if (!send_key(fd, pair, lifetime))
		snprintf(why, size, "the agent at %.200s did not accept the key", address.sun_path);
	else
		return true;
	return false;
}
