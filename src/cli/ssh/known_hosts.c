/* SPDX-License-Identifier: Apache-2.0 */
/* Write known_hosts lines (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT) for the VMs we connect to. */
#include "cli/ssh/known_hosts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/cleanup.h"

char *known_hosts_lines(const struct session *session)
{
	size_t size = 0, at = 0;
	char *text;

	for (unsigned int i = 0; i < session->host_key_count; i++)
		size += 2 * strlen(session->alias) + strlen(session->host_keys[i]) +
			sizeof ",[]:* \n";
	text = size == 0 ? NULL : malloc(size);
	if (text == NULL)
		return NULL;
	for (unsigned int i = 0; i < session->host_key_count; i++)
		at += (size_t)snprintf(text + at, size - at, "%s,[%s]:* %s\n", session->alias,
				       session->alias, session->host_keys[i]);
	return text;
}

/* Did known_hosts_lines() write this line for the alias? */
static bool is_about(const char *line, const char *alias)
{
	size_t length = strlen(alias);

	return strncmp(line, alias, length) == 0 && (line[length] == ',' || line[length] == ' ');
}

char *known_hosts_merge(const char *old, const char *alias, const char *lines)
{
	size_t at = strlen(lines);
	char *text = malloc(at + strlen(old) + 1);

	if (text == NULL)
		return NULL;
	memcpy(text, lines, at);
	while (*old != '\0') {
		size_t length = strcspn(old, "\n");
		bool ended = old[length] == '\n';

		if (at + length + 1 > KNOWN_HOSTS_BYTES_MAX)
			break;
		/* We did not write a line without its end. */
		if (ended && !is_about(old, alias)) {
			memcpy(text + at, old, length + 1);
			at += length + 1;
		}
		old += length + ended;
	}
	text[at] = '\0';
	return text;
}

/* The file's text, empty if it does not exist. The caller frees; NULL with errno. */
static char *read_old(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	char *text;
	size_t length = 0;
	ssize_t got = 1;

	if (fd < 0 && errno != ENOENT)
		return NULL;
	text = malloc(KNOWN_HOSTS_BYTES_MAX + 1);
	while (text != NULL && fd >= 0 && got > 0 && length < KNOWN_HOSTS_BYTES_MAX) {
		got = read(fd, text + length, KNOWN_HOSTS_BYTES_MAX - length);
		length += got > 0 ? (size_t)got : 0;
	}
	if (text != NULL)
		text[length] = '\0';
	return text;
}

static bool write_new(const char *path, const char *unfinished, const char *text)
{
	_cleanup_close_ int fd =
		open(unfinished, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	size_t length = strlen(text);

	return fd >= 0 && write(fd, text, length) == (ssize_t)length &&
	       rename(unfinished, path) == 0;
}

bool known_hosts_update(const char *path, const char *alias, const char *lines)
{
	_cleanup_close_ int lock = -1;
	_cleanup_free_ char *old = NULL, *text = NULL;
	char unfinished[PATH_MAX];

	/* The file itself is replaced, so the lock is on another file, which stays. */
	if (snprintf(unfinished, sizeof unfinished, "%s.lock", path) >= (int)sizeof unfinished)
		return false;
	lock = open(unfinished, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (lock < 0 || flock(lock, LOCK_EX) != 0)
		return false;
	snprintf(unfinished, sizeof unfinished, "%s.new", path);
	old = read_old(path);
	if (old == NULL)
		return false;
	text = known_hosts_merge(old, alias, lines);
	if (text == NULL)
		return false;
	return strcmp(old, text) == 0 || write_new(path, unfinished, text);
}
