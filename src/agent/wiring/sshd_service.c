/* SPDX-License-Identifier: Apache-2.0 */
/* Have the machine's sshd reload its configuration, and check that it answers. */
#include "agent/wiring/sshd_service.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

#include "base/run_program.h"
#include "base/cleanup.h"
#include "base/clock.h"

/* Banners in a row that prove it stays up, and the time between two. Few, and at one address only:
 * OpenSSH 9.8 blocks clients for a while after fifteen connections without a login. */
#define STAY_GREETINGS 5
#define STAY_PAUSE_MS 250
/* Milliseconds that one of them may take */
#define GREETING_MS_MAX 3000
#define SYSTEMCTL "/bin/systemctl"

/* Where a local client would reach it: "0.0.0.0:22" is 127.0.0.1 port 22. */
static struct sockaddr_storage reachable(const struct sockaddr_storage *at)
{
	struct sockaddr_storage address = *at;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address;
	struct sockaddr_in *v4 = (struct sockaddr_in *)&address;

	if (address.ss_family == AF_INET && v4->sin_addr.s_addr == htonl(INADDR_ANY))
		v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else if (address.ss_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr))
		v6->sin6_addr = in6addr_loopback;
	return address;
}

/* Connect and wait for the first bytes of the protocol (RFC 4253 section 4.2). One try; each step
 * takes `limit_ms` at most: if an address is gone, nothing refuses a connection. */
static bool greets(const struct sockaddr_storage *at, long long limit_ms)
{
	const struct sockaddr_storage address = reachable(at);
	/* It bounds connect(2) as well; 0 would be no limit. */
	const struct timeval limit = { .tv_sec = limit_ms / 1000,
				       .tv_usec = limit_ms % 1000 * 1000 + 1 };
	_cleanup_close_ int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	char banner[4];

	return fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) == 0 &&
	       setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0 &&
	       connect(fd, (const struct sockaddr *)&address, sshd_address_length(&address)) == 0 &&
	       poll(&ready, 1, (int)limit_ms) == 1 &&
	       recv(fd, banner, sizeof banner, MSG_WAITALL) == (ssize_t)sizeof banner &&
	       memcmp(banner, "SSH-", sizeof banner) == 0;
}

void sshd_service_look(const struct sshd_effective *effective, struct sshd_running *running)
{
	sshd_running_look(effective, running);
	for (unsigned int i = 0; i < running->count; i++)
		running->addresses[i].answers =
			greets(&running->addresses[i].at, 1000 * SSHD_SERVICE_SECONDS);
}

bool sshd_service_answers(const struct sshd_running *running)
{
	for (unsigned int i = 0; i < running->count; i++)
		if (running->addresses[i].answers)
			return true;
	return false;
}

/* Wait until it sends its banner `times` in a row: for each there are SSHD_SERVICE_SECONDS, for the
 * machine may be busy, but not in one connection. One that was waiting when the old process closed
 * its socket may never be answered. */
static bool greets_in_a_row(const struct sockaddr_storage *at, unsigned int times)
{
	const struct timespec pause = { .tv_nsec = STAY_PAUSE_MS * 1000000L };
	const int64_t end =
		clock_monotonic_ms() + INT64_C(1000) * SSHD_SERVICE_SECONDS * STAY_GREETINGS;
	int64_t deadline = clock_monotonic_ms() + 1000 * SSHD_SERVICE_SECONDS;
	unsigned int in_a_row = 0;

	while (clock_monotonic_ms() < deadline && clock_monotonic_ms() < end) {
		if (greets(at, GREETING_MS_MAX)) {
			in_a_row++;
			deadline = clock_monotonic_ms() + 1000 * SSHD_SERVICE_SECONDS;
		} else {
			in_a_row = 0;
		}
		if (in_a_row == times)
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}

/* Does every socket from before still exist? */
static bool still_listens(const struct sshd_running *before, const struct sshd_effective *effective,
			  char where[SSHD_ADDRESS_SIZE])
{
	struct sshd_running now;

	if (before->source != SSHD_ADDRESSES_OWN)
		return true;
	sshd_running_look(effective, &now);
	for (unsigned int i = 0; i < before->count; i++) {
		if (now.source == SSHD_ADDRESSES_OWN &&
		    sshd_running_has(&now, &before->addresses[i].at))
			continue;
		sshd_address_print(&before->addresses[i].at, where);
		return false;
	}
	return true;
}

bool sshd_service_stays(const struct sshd_running *before, const struct sshd_effective *effective,
			char where[SSHD_ADDRESS_SIZE])
{
	bool first = true;

	where[0] = '\0';
	/* The first shows that the new process stays up, so the others are answered by it. */
	for (unsigned int i = 0; i < before->count; i++) {
		if (!before->addresses[i].answers)
			continue;
		sshd_address_print(&before->addresses[i].at, where);
		if (!greets_in_a_row(&before->addresses[i].at, first ? STAY_GREETINGS : 1))
			return false;
		first = false;
	}
	return still_listens(before, effective, where);
}

/* `unit` may be NULL. */
static bool systemctl(const char *verb, const char *unit, char *why, size_t size)
{
	const char *const argv[] = { SYSTEMCTL, verb, unit, NULL };
	bool good = run_program(argv, why, size, SSHD_SERVICE_SECONDS) == 0;

	why[strcspn(why, "\r\n")] = '\0';
	return good;
}

bool sshd_service_read_units(char *why, size_t size)
{
	return !sshd_running_has_systemd() || systemctl("daemon-reload", NULL, why, size);
}

bool sshd_service_reload(const struct sshd_running *before, bool restart, char *why, size_t size)
{
	/* On a reload, Debian 13's sshd loses the socket that systemd passed to it, and exits. A
	 * restart keeps sessions, and the socket queues new connections. */
	if (before->unit != NULL)
		return systemctl(restart || before->socket_unit != NULL ? "restart" : "reload",
				 before->unit, why, size);
	if (before->pid == 0)
		return true;
	/* The pid may have been reused. */
	if (!sshd_running_is_alive(before)) {
		snprintf(why, size, "process %d has exited in the meantime", (int)before->pid);
		return false;
	}
	if (kill(before->pid, SIGHUP) == 0)
		return true;
	snprintf(why, size, "process %d: %s", (int)before->pid, strerror(errno));
	return false;
}

/* The command from a process's title, "sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups".
 * Without -D: it must go into the background. False if it does not name a program. */
static bool command_of(const struct sshd_running *before, struct words *words)
{
	char title[SSHD_TITLE_SIZE];
	const char *start = strchr(before->title, '/');
	char *end;
	unsigned int kept = 0;

	if (start == NULL)
		return false;
	snprintf(title, sizeof title, "%s", start);
	end = strstr(title, " [listener]");
	if (end != NULL)
		*end = '\0';
	if (!words_split(words, title) || words->count == 0)
		return false;
	for (unsigned int i = 0; i < words->count; i++)
		if (strcmp(words->at[i], "-D") != 0)
			words->at[kept++] = words->at[i];
	words->count = kept;
	words->at[kept] = NULL;
	return true;
}

bool sshd_service_start(const struct sshd_running *before, const struct sshd *sshd, char *why,
			size_t size)
{
	const char *argv[WORDS_MAX + 1] = { SSHD_PROGRAM };
	const char *unit = before->unit != NULL ? before->unit : before->socket_unit;
	struct words words;
	unsigned int count = 1;

	why[0] = '\0';
	if (unit != NULL) {
		/* It may have failed too often for systemd to try again. */
		systemctl("reset-failed", unit, why, size);
		return systemctl("restart", unit, why, size);
	}
	if (before->pid == 0 || sshd_running_is_alive(before))
		return true;
	/* A title keeps no quotes: words with spaces in them cannot be recovered. */
	if (command_of(before, &words) &&
	    run_program((const char *const *)words.at, why, size, SSHD_SERVICE_SECONDS) == 0)
		return true;
	for (unsigned int i = 1; i < sshd->command.words.count; i++)
		if (strcmp(sshd->command.words.at[i], "-D") != 0)
			argv[count++] = sshd->command.words.at[i];
	if (run_program(argv, why, size, SSHD_SERVICE_SECONDS) == 0)
		return true;
	why[strcspn(why, "\r\n")] = '\0';
	return false;
}

enum sshd_origin sshd_service_command_origin(const struct sshd *sshd,
					     const struct sshd_running *running)
{
	for (unsigned int i = 1; i < sshd->command.words.count; i++)
		if (strcasestr(sshd->command.words.at[i], "authorizedkeyscommand") != NULL)
			return SSHD_ORIGIN_UNIT;
	return strcasestr(running->title, "authorizedkeyscommand") != NULL &&
			       strcasestr(running->title, "exc-instance-connect authorized-keys") ==
				       NULL
		       ? SSHD_ORIGIN_PROCESS
		       : SSHD_ORIGIN_FILES;
}
