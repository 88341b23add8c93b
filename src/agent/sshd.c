/* SPDX-License-Identifier: Apache-2.0 */
/* Ask the machine's sshd what it does, have it read its configuration again, and see that it
 * answers. */
#include "agent/sshd.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include "agent/process.h"
#include "agent/run.h"
#include "grant/cleanup.h"

/* Greetings in a row that count as staying, and the time between two. Few: since OpenSSH 9.8, who
 * connects and does not log in is shut out for a while after fifteen times. */
#define STAY_GREETINGS 5
#define STAY_PAUSE_MS 250
#define CONFIG_LINE_SIZE 1024
/* Lines of sshd_config that are looked at */
#define CONFIG_LINES_MAX 100000

/* Keep the first line of what a program said. */
static void first_line(char *text)
{
	text[strcspn(text, "\r\n")] = '\0';
}

bool sshd_test(char *why, size_t size)
{
	const char *const argv[] = { SSHD_PROGRAM, "-t", NULL };
	int status = run_program(argv, why, size, SSHD_SECONDS);

	first_line(why);
	if (status != 0 && why[0] == '\0')
		snprintf(why, size, SSHD_PROGRAM " -t ended with status %d", status);
	return status == 0;
}

bool sshd_ask(struct sshd_effective *effective, char *why, size_t size)
{
	const char *const argv[] = { SSHD_PROGRAM, "-T", NULL };
	int status = run_program(argv, effective->text, sizeof effective->text, SSHD_SECONDS);

	if (status == 0)
		return true;
	snprintf(why, size, "%.*s", (int)strcspn(effective->text, "\r\n"), effective->text);
	if (why[0] == '\0')
		snprintf(why, size, SSHD_PROGRAM " -T ended with status %d", status);
	return false;
}

void sshd_value(const struct sshd_effective *effective, const char *keyword,
		char value[SSHD_VALUE_SIZE])
{
	const char *line = effective->text;
	size_t length = strlen(keyword);

	value[0] = '\0';
	/* Bounded by SSHD_OUTPUT_SIZE */
	while (line != NULL) {
		line += *line == '\n';
		if (strncasecmp(line, keyword, length) == 0 && line[length] == ' ') {
			line += length + 1;
			snprintf(value, SSHD_VALUE_SIZE, "%.*s", (int)strcspn(line, "\n"), line);
			return;
		}
		line = strchr(line, '\n');
	}
}

bool sshd_command_is_ours(const char *command)
{
	static const char program[] = "/exc-instance-connect ";
	const char *end = strchr(command, ' ');
	const char *found = strstr(command, program);

	return end != NULL && found != NULL && found + strlen(program) - 1 == end;
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
	       poll(&ready, 1, 1000 * SSHD_SECONDS) == 1 &&
	       recv(fd, banner, sizeof banner, MSG_WAITALL) == (ssize_t)sizeof banner &&
	       memcmp(banner, "SSH-", sizeof banner) == 0;
}

bool sshd_answers(const struct sshd_effective *effective)
{
	struct sockaddr_storage address;
	socklen_t length;

	return find_address(effective, &address, &length) && greets(&address, length);
}

bool sshd_stays(const struct sshd_effective *effective)
{
	const struct timespec pause = { .tv_nsec = STAY_PAUSE_MS * 1000000L };
	unsigned int in_a_row = 0;

	for (unsigned int waited = 0; waited < 1000 * SSHD_SECONDS; waited += STAY_PAUSE_MS) {
		in_a_row = sshd_answers(effective) ? in_a_row + 1 : 0;
		if (in_a_row == STAY_GREETINGS)
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}

static bool systemctl(const char *verb, const char *unit, char *why, size_t size)
{
	const char *const argv[] = { "/bin/systemctl", verb, unit, NULL };
	bool good = run_program(argv, why, size, SSHD_SECONDS) == 0;

	first_line(why);
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

bool sshd_reload(const struct sshd_effective *effective, char *why, size_t size)
{
	static const char *const units[] = { "ssh.service", "sshd.service" };
	pid_t pid;

	if (access("/run/systemd/system", F_OK) == 0) {
		for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
			if (systemctl("is-active", units[i], why, size))
				return systemctl("reload", units[i], why, size);
		return true;
	}
	pid = listener(effective);
	if (pid == 0 || kill(pid, SIGHUP) == 0)
		return true;
	snprintf(why, size, "process %d: %s", (int)pid, strerror(errno));
	return false;
}

/* Is this line an Include of the drop-in folder? */
static bool is_include(const char *line)
{
	static const char keyword[] = "include";

	line += strspn(line, " \t");
	if (strncasecmp(line, keyword, strlen(keyword)) != 0)
		return false;
	line += strlen(keyword);
	return (*line == ' ' || *line == '\t' || *line == '=') &&
	       strstr(line, SSHD_DROP_IN_DIR "/*.conf") != NULL;
}

bool sshd_includes_drop_ins(void)
{
	char line[CONFIG_LINE_SIZE];
	bool found = false, matching = false;
	FILE *file = fopen(SSHD_CONFIG, "re");

	if (file == NULL)
		return false;
	for (int i = 0; i < CONFIG_LINES_MAX && !found && fgets(line, sizeof line, file); i++) {
		const char *start = line + strspn(line, " \t");

		/* What a Match block includes does not hold for everybody. */
		matching |= strncasecmp(start, "match", 5) == 0 && isspace((unsigned char)start[5]);
		found = !matching && is_include(line);
	}
	fclose(file);
	return found;
}
