/* SPDX-License-Identifier: Apache-2.0 */
/* Were sshd's files edited after the running sshd loaded them? */
#include "agent/wiring/sshd_pending.h"

#include <ctype.h>
#include <glob.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/cleanup.h"
#include "base/process.h"

/* A process's start is known to a tick, and it may have read its files a little later. */
#define START_IS_UNSURE_NS CLOCK_NS_PER_SECOND
#define PATH_SIZE 256
/* Lines of one of sshd's files that are read */
#define LINES_MAX 100000
#define SSHD_FOLDER "/etc/ssh/"

/* All times are nanoseconds of CLOCK_REALTIME, as those of files are. */
struct search {
	long long loaded, unsure; /* the last load, and its uncertainty */
	long long now;
	bool found; /* a file that is newer than the load */
	bool ambiguous; /* a file that may be newer */
	char path[PATH_SIZE]; /* of the one found */
};

static void compare(struct search *search, const char *path, long long edited)
{
	if (search->found || edited < search->loaded)
		return;
	if (edited <= search->loaded + search->unsure || edited > search->now) {
		search->ambiguous = true;
		return;
	}
	search->found = true;
	snprintf(search->path, sizeof search->path, "%s", path);
}

static void look_at_file(const char *path, void *context)
{
	struct stat status;
	long long written, changed;

	if (stat(path, &status) != 0 || !S_ISREG(status.st_mode))
		return;
	/* The ctime counts: a file may be moved here, or copied with its old date. */
	written = clock_nanoseconds(&status.st_mtim);
	changed = clock_nanoseconds(&status.st_ctim);
	compare(context, path, written > changed ? written : changed);
}

/* A file that was removed shows only in its directory. */
static void look_at_folder(struct search *search, const char *pattern)
{
	const char *slash = strrchr(pattern, '/');
	char folder[PATH_SIZE];
	struct stat status;

	snprintf(folder, sizeof folder, "%.*s", slash == NULL ? 0 : (int)(slash - pattern),
		 pattern);
	/* sshd's own directory has host keys and more, which come and go. */
	if (strcspn(folder, "*?[") != strlen(folder) || strcmp(folder, "/etc/ssh") == 0)
		return;
	if (stat(folder, &status) == 0 && S_ISDIR(status.st_mode))
		compare(search, folder, clock_nanoseconds(&status.st_mtim));
}

static void look_at_config(struct search *search, const char *path, unsigned int depth);

/* NOLINTBEGIN(misc-no-recursion): no deeper than SSHD_INCLUDE_DEPTH */
static void look_at_pattern(struct search *search, const char *pattern, unsigned int depth)
{
	char whole[PATH_SIZE];
	glob_t files;

	snprintf(whole, sizeof whole, "%s%s", pattern[0] == '/' ? "" : SSHD_FOLDER, pattern);
	if (glob(whole, 0, NULL, &files) == 0) {
		for (size_t i = 0; i < files.gl_pathc; i++)
			look_at_config(search, files.gl_pathv[i], depth);
		globfree(&files);
	}
	/* After the files in it, which are more specific. */
	if (strcspn(whole, "*?[") != strlen(whole))
		look_at_folder(search, whole);
}

/* One of sshd's files, and what it includes, even in Match blocks. */
static void look_at_config(struct search *search, const char *path, unsigned int depth)
{
	static const char keyword[] = "include";
	char line[1024];
	FILE *file;

	look_at_file(path, search);
	if (depth == SSHD_INCLUDE_DEPTH || (file = fopen(path, "re")) == NULL)
		return;
	for (int i = 0; i < LINES_MAX && !search->found && fgets(line, sizeof line, file); i++) {
		char *start = line + strspn(line, " \t\""), *rest, *word;

		if (strncasecmp(start, keyword, strlen(keyword)) != 0)
			continue;
		rest = start + strlen(keyword);
		if (strchr(" \t=\"", *rest) == NULL)
			continue;
		/* Bounded by the line */
		while ((word = strsep(&rest, " \t\r\n\"=")) != NULL && *word != '#')
			if (*word != '\0')
				look_at_pattern(search, word, depth + 1);
	}
	fclose(file);
}
/* NOLINTEND(misc-no-recursion) */

static void look_at_unit_file(const char *path, void *context)
{
	/* systemd's generators write these again whenever it reads its units. */
	if (strncmp(path, "/run/", 5) != 0)
		look_at_file(path, context);
}

/* When did the process last load its files? False if that is unknown. */
static bool find_load(const struct sshd_effective *effective, const struct sshd_running *running,
		      struct search *search)
{
	char pid_file[SSHD_VALUE_SIZE];
	struct process process;
	struct stat status;

	search->now = clock_realtime_ns();
	sshd_value(effective, "pidfile", pid_file);
	if (running->has_pid_file && stat(pid_file, &status) == 0) {
		search->loaded = clock_nanoseconds(&status.st_mtim);
		return true;
	}
	if (!process_read(running->pid, &process))
		return false;
	search->loaded = search->now - clock_boottime_ns() +
			 (long long)process.start * (CLOCK_NS_PER_SECOND / sysconf(_SC_CLK_TCK));
	search->unsure = START_IS_UNSURE_NS;
	return true;
}

/* Can a socket be bound to this address at all? IPv6 may be off, or the address gone: then sshd
 * started without it, and would again. */
static bool can_bind(const struct sockaddr_storage *at)
{
	_cleanup_close_ int fd = socket(at->ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_storage any_port = *at;

	if (at->ss_family == AF_INET)
		((struct sockaddr_in *)&any_port)->sin_port = 0;
	else
		((struct sockaddr_in6 *)&any_port)->sin6_port = 0;
	return fd >= 0 &&
	       bind(fd, (const struct sockaddr *)&any_port, sshd_address_length(&any_port)) == 0;
}

/* Was it started by hand with its own addresses or configuration? Then its sockets say nothing
 * about the files. */
static bool has_own_addresses(const struct sshd_running *running)
{
	return running->unit == NULL && (strstr(running->title, " -p") != NULL ||
					 sshd_title_has_other_config(running->title) ||
					 strcasestr(running->title, "listenaddress") != NULL ||
					 strcasestr(running->title, "port=") != NULL ||
					 strcasestr(running->title, "port ") != NULL ||
					 strcasestr(running->title, "addressfamily") != NULL);
}

/* Do the sockets differ from what sshd -T asks for? *known is false if they cannot be compared. */
static bool sockets_differ(const struct sshd_effective *effective,
			   const struct sshd_running *running, bool *known, char *why, size_t size)
{
	struct sshd_running asked = { 0 };
	char text[SSHD_ADDRESS_SIZE];
	bool all;

	asked.count = sshd_addresses_asked(effective, asked.addresses, &all);
	*known = all && running->source == SSHD_ADDRESSES_OWN && !has_own_addresses(running);
	for (unsigned int i = 0; *known && i < asked.count; i++) {
		const struct sockaddr_storage *at = &asked.addresses[i].at;

		if (sshd_running_has(running, at) || !can_bind(at))
			continue;
		sshd_address_print(at, text);
		snprintf(why, size, "sshd does not listen on %s, which its configuration asks for",
			 text);
		return true;
	}
	for (unsigned int i = 0; *known && i < running->count; i++) {
		if (sshd_running_has(&asked, &running->addresses[i].at))
			continue;
		sshd_address_print(&running->addresses[i].at, text);
		snprintf(why, size,
			 "sshd listens on %s, which its configuration no longer asks for", text);
		return true;
	}
	return false;
}

bool sshd_pending(const struct sshd *sshd, const struct sshd_effective *effective,
		  const struct sshd_running *running, char *why, size_t size)
{
	struct search search = { 0 };
	bool known;

	if (running->pid == 0)
		return false;
	if (find_load(effective, running, &search)) {
		look_at_config(&search, sshd_config_path(sshd), 0);
		if (sshd->unit != NULL && running->unit != NULL)
			unit_each_file(running->unit, look_at_unit_file, &search);
	} else {
		search.ambiguous = true;
	}
	if (search.found) {
		snprintf(why, size, "%s was edited after sshd %s", search.path,
			 running->has_pid_file ? "loaded it"
					       : "started, and without a PidFile nothing shows "
						 "whether it loaded that");
		return true;
	}
	if (sockets_differ(effective, running, &known, why, size))
		return true;
	if (!search.ambiguous || known || running->source == SSHD_ADDRESSES_SYSTEMD)
		return false;
	snprintf(why, size, "sshd's files may have been edited after it loaded them");
	return true;
}
