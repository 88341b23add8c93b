/* SPDX-License-Identifier: Apache-2.0 */
/* The running sshd, as the kernel and systemd see it: its process, and the sockets it listens on.
 */
#include "agent/wiring/sshd_running.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/process.h"
#include "base/run_program.h"
#include "agent/wiring/sshd_service.h"
#include "base/cleanup.h"

/* Sockets of one process, and lines of one kernel table, that are checked */
#define INODES_MAX 1024
#define TABLE_LINES_MAX 100000
/* Processes that are checked for an sshd without a PidFile */
#define PROCESSES_MAX 100000
/* TCP_LISTEN of the kernel (include/net/tcp_states.h) */
#define STATE_LISTEN 0x0a
#define SYSTEMCTL "/bin/systemctl"

bool sshd_running_has_systemd(void)
{
	return access("/run/systemd/system", F_OK) == 0;
}

socklen_t sshd_address_length(const struct sockaddr_storage *at)
{
	return at->ss_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
}

bool sshd_address_same(const struct sockaddr_storage *one, const struct sockaddr_storage *other)
{
	const struct sockaddr_in6 *one6 = (const struct sockaddr_in6 *)one;
	const struct sockaddr_in6 *other6 = (const struct sockaddr_in6 *)other;
	const struct sockaddr_in *one4 = (const struct sockaddr_in *)one;
	const struct sockaddr_in *other4 = (const struct sockaddr_in *)other;

	if (one->ss_family != other->ss_family)
		return false;
	if (one->ss_family == AF_INET)
		return one4->sin_port == other4->sin_port &&
		       one4->sin_addr.s_addr == other4->sin_addr.s_addr;
	return one6->sin6_port == other6->sin6_port &&
	       memcmp(&one6->sin6_addr, &other6->sin6_addr, sizeof one6->sin6_addr) == 0;
}

void sshd_address_print(const struct sockaddr_storage *at, char text[SSHD_ADDRESS_SIZE])
{
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)at;
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)at;
	const bool is_v4 = at->ss_family == AF_INET;
	char host[INET6_ADDRSTRLEN] = "";

	inet_ntop(at->ss_family, is_v4 ? (const void *)&v4->sin_addr : (const void *)&v6->sin6_addr,
		  host, sizeof host);
	snprintf(text, SSHD_ADDRESS_SIZE, is_v4 ? "%s:%u" : "[%s]:%u", host,
		 (unsigned int)ntohs(is_v4 ? v4->sin_port : v6->sin6_port));
}

/* "0.0.0.0:22" or "[::]:22", with the port that is after the last colon. */
static bool parse_address(const char *text, struct sockaddr_storage *at)
{
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)at;
	struct sockaddr_in *v4 = (struct sockaddr_in *)at;
	char host[SSHD_ADDRESS_SIZE];
	const char *colon = strrchr(text, ':');
	const bool has_brackets = text[0] == '[';
	in_port_t port;
	int length;

	memset(at, 0, sizeof *at);
	if (colon == NULL || colon == text || colon[1 + strspn(colon + 1, "0123456789")] != '\0')
		return false;
	length = (int)(colon - text) - 2 * has_brackets;
	if (length <= 0 || length >= (int)sizeof host)
		return false;
	snprintf(host, sizeof host, "%.*s", length, text + has_brackets);
	port = htons((in_port_t)atoi(colon + 1));
	if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = port;
		return true;
	}
	if (inet_pton(AF_INET6, host, &v6->sin6_addr) != 1)
		return false;
	v6->sin6_family = AF_INET6;
	v6->sin6_port = port;
	return true;
}

unsigned int sshd_addresses_asked(const struct sshd_effective *effective,
				  struct sshd_address addresses[SSHD_ADDRESSES_MAX], bool *all)
{
	char value[SSHD_VALUE_SIZE];
	unsigned int count = 0;

	*all = true;
	for (unsigned int i = 0; sshd_nth_value(effective, "listenaddress", i, value); i++) {
		if (count == SSHD_ADDRESSES_MAX || !parse_address(value, &addresses[count].at)) {
			*all = false;
			continue;
		}
		addresses[count++].answers = false;
	}
	return count;
}

bool sshd_running_has(const struct sshd_running *running, const struct sockaddr_storage *at)
{
	for (unsigned int i = 0; i < running->count; i++)
		if (sshd_address_same(&running->addresses[i].at, at))
			return true;
	return false;
}

static void add(struct sshd_running *running, const struct sockaddr_storage *at)
{
	if (running->count < SSHD_ADDRESSES_MAX && !sshd_running_has(running, at))
		running->addresses[running->count++] = (struct sshd_address){ .at = *at };
}

/* The first of two units that is active; NULL if neither is. */
static const char *active(const char *const units[2])
{
	char said[128];

	for (size_t i = 0; i < 2; i++) {
		const char *const argv[] = { SYSTEMCTL, "is-active", units[i], NULL };

		if (run_program(argv, said, sizeof said, SSHD_SERVICE_SECONDS) == 0)
			return units[i];
	}
	return NULL;
}

/* A unit's property, from systemd; "" if there is none. */
static void show(const char *unit, const char *property, char *said, size_t size)
{
	const char *const argv[] = { SYSTEMCTL, "show", "-p", property, unit, NULL };

	if (run_program(argv, said, size, SSHD_SERVICE_SECONDS) != 0)
		said[0] = '\0';
}

static pid_t main_pid(const char *unit)
{
	char said[256];
	int pid = 0;

	show(unit, "MainPID", said, sizeof said);
	return sscanf(said, "MainPID=%d", &pid) == 1 ? pid : 0;
}

/* "Listen=[::]:22 (Stream)", one or more */
static void add_socket_unit(struct sshd_running *running)
{
	struct sockaddr_storage at;
	char said[4096], *rest = said, *word;

	show(running->socket_unit, "Listen", said, sizeof said);
	/* Bounded by `said` */
	while ((word = strsep(&rest, " =\n")) != NULL)
		if (parse_address(word, &at))
			add(running, &at);
}

/* Is this link in /proc the same for both processes? If that is unknown, yes. */
static bool shares(pid_t pid, const char *what)
{
	struct stat theirs, ours;
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, what);
	if (stat(path, &theirs) != 0)
		return true;
	snprintf(path, sizeof path, "/proc/self/%s", what);
	return stat(path, &ours) != 0 ||
	       (theirs.st_dev == ours.st_dev && theirs.st_ino == ours.st_ino);
}

/* Is /proc that of our own process ids? In an image that is being built it may be the host's, whose
 * ids mean other processes. */
static bool proc_is_ours(void)
{
	char self[16], ours[16];
	ssize_t length = readlink("/proc/self", self, sizeof self - 1);

	self[length < 0 ? 0 : length] = '\0';
	snprintf(ours, sizeof ours, "%d", (int)getpid());
	return strcmp(self, ours) == 0;
}

/* An sshd with another root is not this machine's: an image may be built in a chroot that sees the
 * host's /run and /proc. */
static bool is_our_sshd(pid_t pid)
{
	struct process process;

	return pid > 1 && proc_is_ours() && process_read(pid, &process) &&
	       strcmp(process.name, "sshd") == 0 && shares(pid, "root/");
}

static pid_t pid_of_file(const struct sshd_effective *effective)
{
	char path[SSHD_VALUE_SIZE];
	FILE *file;
	int pid = 0;

	sshd_value(effective, "pidfile", path);
	file = fopen(path, "re");
	if (file == NULL)
		return 0;
	if (fscanf(file, "%d", &pid) != 1)
		pid = 0;
	fclose(file);
	return is_our_sshd(pid) ? pid : 0;
}

static void read_title(pid_t pid, char title[SSHD_TITLE_SIZE])
{
	_cleanup_close_ int fd = -1;
	char path[64];
	ssize_t length;

	snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	length = fd < 0 ? -1 : read(fd, title, SSHD_TITLE_SIZE - 1);
	title[length < 0 ? 0 : length] = '\0';
	for (ssize_t i = 0; i < length; i++)
		if (title[i] == '\0')
			title[i] = ' ';
}

bool sshd_title_has_other_config(const char *title)
{
	const char *option = strstr(title, " -f");
	const size_t length = strlen(SSHD_CONFIG);

	if (option == NULL)
		return false;
	option += 3;
	option += strspn(option, " ");
	return strncmp(option, SSHD_CONFIG, length) != 0 ||
	       (option[length] != ' ' && option[length] != '\0');
}

/* An sshd without a PidFile: the only one in our network that listens, with the machine's own
 * configuration. (Its title has "[listener]" since OpenSSH 8.2.) 0 unless there is exactly one. */
static pid_t pid_of_listener(void)
{
	DIR *directory = opendir("/proc");
	const struct dirent *entry;
	char title[SSHD_TITLE_SIZE];
	pid_t found = 0;

	for (int i = 0; i < PROCESSES_MAX && directory != NULL; i++) {
		pid_t pid;

		if ((entry = readdir(directory)) == NULL)
			break;
		pid = (pid_t)atoi(entry->d_name);
		if (!is_our_sshd(pid) || !shares(pid, "ns/net"))
			continue;
		read_title(pid, title);
		if (strstr(title, "[listener]") == NULL || sshd_title_has_other_config(title))
			continue;
		if (found != 0) {
			found = 0;
			break;
		}
		found = pid;
	}
	if (directory != NULL)
		closedir(directory);
	return found;
}

struct inodes {
	unsigned int count;
	uint64_t at[INODES_MAX];
};

/* The sockets that a process has open */
static void read_inodes(pid_t pid, struct inodes *inodes)
{
	const struct dirent *entry;
	char path[64], target[64];
	DIR *directory;

	inodes->count = 0;
	snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
	directory = opendir(path);
	if (directory == NULL)
		return;
	while (inodes->count < INODES_MAX && (entry = readdir(directory)) != NULL) {
		ssize_t length =
			readlinkat(dirfd(directory), entry->d_name, target, sizeof target - 1);

		target[length < 0 ? 0 : length] = '\0';
		if (sscanf(target, "socket:[%" SCNu64 "]", &inodes->at[inodes->count]) == 1)
			inodes->count++;
	}
	closedir(directory);
}

static bool is_among(const struct inodes *inodes, uint64_t inode)
{
	for (unsigned int i = 0; i < inodes->count; i++)
		if (inodes->at[i] == inode)
			return true;
	return false;
}

/* A line of /proc/net/tcp or tcp6 (proc(5)), if its socket listens: addresses are 32-bit words in
 * this machine's byte order. */
static bool parse_line(const char *line, struct sockaddr_storage *at, uint64_t *inode)
{
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)at;
	struct sockaddr_in *v4 = (struct sockaddr_in *)at;
	unsigned int state, port;
	uint32_t words[4];
	char host[33];

	memset(at, 0, sizeof *at);
	if (sscanf(line,
		   " %*d: %32[0-9A-F]:%x %*[0-9A-F]:%*x %x %*x:%*x %*x:%*x %*x %*u %*d %" SCNu64,
		   host, &port, &state, inode) != 4 ||
	    state != STATE_LISTEN)
		return false;
	if (sscanf(host, "%8" SCNx32 "%8" SCNx32 "%8" SCNx32 "%8" SCNx32, &words[0], &words[1],
		   &words[2], &words[3]) == 4) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons((in_port_t)port);
		memcpy(&v6->sin6_addr, words, sizeof words);
		return true;
	}
	v4->sin_family = AF_INET;
	v4->sin_port = htons((in_port_t)port);
	v4->sin_addr.s_addr = words[0];
	return strlen(host) == 8;
}

/* What the process listens on, in its own network */
static void add_own(struct sshd_running *running)
{
	static const char *const tables[] = { "tcp", "tcp6" };
	struct sockaddr_storage at;
	struct inodes inodes;
	char path[64], line[512];
	uint64_t inode;

	read_inodes(running->pid, &inodes);
	for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
		FILE *table;

		snprintf(path, sizeof path, "/proc/%d/net/%s", (int)running->pid, tables[i]);
		table = fopen(path, "re");
		if (table == NULL)
			continue;
		for (int j = 0; j < TABLE_LINES_MAX && fgets(line, sizeof line, table); j++)
			if (parse_line(line, &at, &inode) && is_among(&inodes, inode))
				add(running, &at);
		fclose(table);
	}
}

void sshd_running_look(const struct sshd_effective *effective, struct sshd_running *running)
{
	static const char *const units[] = { "ssh.service", "sshd.service" };
	static const char *const sockets[] = { "ssh.socket", "sshd.socket" };
	pid_t named = pid_of_file(effective);
	bool all;

	memset(running, 0, sizeof *running);
	if (sshd_running_has_systemd()) {
		running->unit = active(units);
		running->socket_unit = active(sockets);
	}
	if (running->unit != NULL)
		running->pid = main_pid(running->unit);
	if (running->pid == 0)
		running->pid = named;
	if (running->pid == 0 && running->socket_unit == NULL)
		running->pid = pid_of_listener();
	running->has_pid_file = named != 0 && named == running->pid;
	if (running->pid != 0)
		read_title(running->pid, running->title);
	running->source = SSHD_ADDRESSES_SYSTEMD;
	if (running->socket_unit != NULL)
		add_socket_unit(running);
	if (running->count > 0)
		return;
	running->source = SSHD_ADDRESSES_OWN;
	if (running->pid != 0)
		add_own(running);
	if (running->count > 0)
		return;
	running->source = SSHD_ADDRESSES_CONFIGURED;
	running->count = sshd_addresses_asked(effective, running->addresses, &all);
}

bool sshd_running_is_alive(const struct sshd_running *running)
{
	const char *const units[2] = { running->unit, running->unit };

	if (running->unit != NULL)
		return active(units) != NULL;
	return running->pid != 0 && is_our_sshd(running->pid);
}
