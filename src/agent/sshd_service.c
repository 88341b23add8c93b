/* SPDX-License-Identifier: Apache-2.0 */
/* Have the machine's sshd read its configuration again, and see that it answers. */
#include "agent/sshd_service.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "agent/process.h"
#include "agent/run.h"
#include "grant/cleanup.h"

/* Greetings in a row that count as staying, and the time between two. Few: since OpenSSH 9.8, who
 * connects and does not log in is shut out for a while after fifteen times. */
#define STAY_GREETINGS 5
#define STAY_PAUSE_MS 250
#define SYSTEMCTL "/bin/systemctl"

bool sshd_service_has_systemd(void)
{
	return access("/run/systemd/system", F_OK) == 0;
}

/* Where a person on this machine would reach sshd: "0.0.0.0:22" is 127.0.0.1 port 22. */
static bool find_address(const struct sshd_effective *effective, struct sockaddr_storage *address,
			 socklen_t *length)
{
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)address;
	struct sockaddr_in *v4 = (struct sockaddr_in *)address;
	char value[SSHD_VALUE_SIZE];
	char *host = value, *colon;
	in_port_t port;

	memset(address, 0, sizeof *address);
	sshd_value(effective, "listenaddress", value);
	colon = strrchr(value, ':');
	if (colon == NULL)
		return false;
	port = htons((in_port_t)atoi(colon + 1));
	*colon = '\0';
	if (host[0] == '[') {
		host++;
		host[strcspn(host, "]")] = '\0';
	}
	if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = port;
		if (v4->sin_addr.s_addr == htonl(INADDR_ANY))
			v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		*length = sizeof *v4;
		return true;
	}
	if (inet_pton(AF_INET6, host, &v6->sin6_addr) != 1)
		return false;
	v6->sin6_family = AF_INET6;
	v6->sin6_port = port;
	if (IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr))
		v6->sin6_addr = in6addr_loopback;
	*length = sizeof *v6;
	return true;
}

/* Connect and wait for the first bytes of the protocol (RFC 4253 section 4.2). */
static bool greets(const struct sockaddr_storage *address, socklen_t length)
{
	_cleanup_close_ int fd = socket(address->ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	char banner[4];

	return fd >= 0 && connect(fd, (const struct sockaddr *)address, length) == 0 &&
	       poll(&ready, 1, 1000 * SSHD_SERVICE_SECONDS) == 1 &&
	       recv(fd, banner, sizeof banner, MSG_WAITALL) == (ssize_t)sizeof banner &&
	       memcmp(banner, "SSH-", sizeof banner) == 0;
}

bool sshd_service_answers(const struct sshd_effective *effective)
{
	struct sockaddr_storage address;
	socklen_t length;

	return find_address(effective, &address, &length) && greets(&address, length);
}

bool sshd_service_stays(const struct sshd_effective *effective)
{
	const struct timespec pause = { .tv_nsec = STAY_PAUSE_MS * 1000000L };
	unsigned int in_a_row = 0;

	for (unsigned int waited = 0; waited < 1000 * SSHD_SERVICE_SECONDS;
	     waited += STAY_PAUSE_MS) {
		in_a_row = sshd_service_answers(effective) ? in_a_row + 1 : 0;
		if (in_a_row == STAY_GREETINGS)
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}

/* `unit` may be NULL. */
static bool systemctl(const char *verb, const char *unit, char *why, size_t size)
{
	const char *const argv[] = { SYSTEMCTL, verb, unit, NULL };
	bool good = run_program(argv, why, size, SSHD_SERVICE_SECONDS) == 0;

	why[strcspn(why, "\r\n")] = '\0';
	return good;
}

/* The process that sshd's PidFile names, if it is an sshd; 0 otherwise. */
static pid_t listener(const struct sshd_effective *effective)
{
	char path[SSHD_VALUE_SIZE];
	struct process process;
	FILE *file;
	int pid = 0;

	sshd_value(effective, "pidfile", path);
	file = fopen(path, "re");
	if (file == NULL)
		return 0;
	if (fscanf(file, "%d", &pid) != 1)
		pid = 0;
	fclose(file);
	if (pid <= 1 || !process_read(pid, &process) || strcmp(process.name, "sshd") != 0)
		return 0;
	return pid;
}

bool sshd_service_read_units(char *why, size_t size)
{
	return !sshd_service_has_systemd() || systemctl("daemon-reload", NULL, why, size);
}

/* The unit that sshd runs as now; NULL when it does not. */
static const char *active_unit(void)
{
	static const char *const units[] = { "ssh.service", "sshd.service" };
	char said[128];

	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
		if (systemctl("is-active", units[i], said, sizeof said))
			return units[i];
	return NULL;
}

/* Does systemd listen in sshd's place? */
static bool has_socket(void)
{
	char said[128];

	return systemctl("is-active", "ssh.socket", said, sizeof said) ||
	       systemctl("is-active", "sshd.socket", said, sizeof said);
}

bool sshd_service_runs(const struct sshd_effective *effective)
{
	return (sshd_service_has_systemd() && active_unit() != NULL) || listener(effective) != 0 ||
	       sshd_service_answers(effective);
}

bool sshd_service_reload(const struct sshd_effective *effective, bool restart, char *why,
			 size_t size)
{
	pid_t pid;

	if (sshd_service_has_systemd()) {
		const char *unit = active_unit();

		/* Debian 13's sshd has forgotten the socket that it was handed when it is reloaded,
		 * and ends. A restart keeps sessions, and the socket keeps whoever knocks. */
		restart = restart || has_socket();
		return unit == NULL || systemctl(restart ? "restart" : "reload", unit, why, size);
	}
	pid = listener(effective);
	if (pid == 0 || kill(pid, SIGHUP) == 0)
		return true;
	snprintf(why, size, "process %d: %s", (int)pid, strerror(errno));
	return false;
}

/* Does the command line of the listening process have the keyword? Its title shows it. */
static bool process_has_command(const struct sshd_effective *effective)
{
	pid_t pid = listener(effective);
	char path[64], title[4096];
	_cleanup_close_ int fd = -1;
	ssize_t length;

	snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
	fd = pid == 0 ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	length = fd < 0 ? -1 : read(fd, title, sizeof title - 1);
	for (ssize_t i = 0; i < length; i++)
		title[i] = (char)(title[i] == '\0' ? ' ' : tolower((unsigned char)title[i]));
	if (length <= 0)
		return false;
	title[length] = '\0';
	return strstr(title, "authorizedkeyscommand") != NULL &&
	       strstr(title, "exc-instance-connect authorized-keys") == NULL;
}

enum sshd_origin sshd_service_command_origin(const struct sshd *sshd,
					     const struct sshd_effective *effective)
{
	for (unsigned int i = 1; i < sshd->command.words.count; i++)
		if (strcasestr(sshd->command.words.at[i], "authorizedkeyscommand") != NULL)
			return SSHD_ORIGIN_UNIT;
	return process_has_command(effective) ? SSHD_ORIGIN_PROCESS : SSHD_ORIGIN_FILES;
}
