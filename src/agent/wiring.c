/* SPDX-License-Identifier: Apache-2.0 */
/* The files that wire sshd to the agent and the module: write them, remember them, put them back.
 */
#include "agent/wiring.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/paths.h"
#include "agent/run.h"
#include "grant/cleanup.h"

#define MODULE "pam_exc_instance_connect.so"
/* A module file that is missing, or a module that passes, leaves the session to the other lines. */
#define PAM_LINE                                                                                   \
	"session [success=ok ignore=ignore module_unknown=ignore default=die] " MODULE             \
	" # exc-instance-connect sshd enable\n"

static const char drop_in_text[] =
	"# Written by: exc-instance-connect sshd enable. Removed by: exc-instance-connect sshd disable\n"
	"AuthorizedKeysCommand " WIRING_COMMAND "\n"
	"AuthorizedKeysCommandUser " WIRING_COMMAND_USER "\n";

static const char pam_wired_text[] =
	"# sshd's PAM stack has " MODULE " (exc-instance-connect sshd enable)\n";

static const char *const paths[WIRING_FILES] = { WIRING_DROP_IN, WIRING_PAM_FILE,
						 WIRING_PAM_COMMON_FILE, PAM_WIRED_FILE };

static bool say_errno(char *why, size_t size, const char *path)
{
	snprintf(why, size, "%s: %s", path, strerror(errno));
	return false;
}

/* Read a whole file, with a NUL after it; the caller frees. NULL with errno, also for one of more
 * than WIRING_FILE_BYTES_MAX (EFBIG). */
static char *read_file(const char *path, size_t *length)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text = fd < 0 ? NULL : malloc(WIRING_FILE_BYTES_MAX + 1);
	ssize_t got = 1;

	if (text == NULL)
		return NULL;
	*length = 0;
	while (*length <= WIRING_FILE_BYTES_MAX && got > 0) {
		got = read(fd, text + *length, WIRING_FILE_BYTES_MAX + 1 - *length);
		if (got > 0)
			*length += (size_t)got;
	}
	if (got == 0 && *length <= WIRING_FILE_BYTES_MAX) {
		text[*length] = '\0';
		return text;
	}
	if (got >= 0)
		errno = EFBIG;
	free(text);
	return NULL;
}

/* Replace a file whole, keeping its owner and mode; a new one is root's, 0644. */
static bool write_file(const char *path, const char *text, size_t length)
{
	char unfinished[256];
	struct stat status = { .st_mode = 0644 };
	bool good;
	int fd;

	if (stat(path, &status) != 0 && errno != ENOENT)
		return false;
	snprintf(unfinished, sizeof unfinished, "%s.exc-new", path);
	unlink(unfinished);
	fd = open(unfinished, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	good = write(fd, text, length) == (ssize_t)length &&
	       fchown(fd, status.st_uid, status.st_gid) == 0 &&
	       fchmod(fd, status.st_mode & 07777) == 0 && fsync(fd) == 0;
	close(fd);
	if (good && rename(unfinished, path) == 0)
		return true;
	unlink(unfinished);
	return false;
}

static bool remove_file(const char *path)
{
	return unlink(path) == 0 || errno == ENOENT;
}

/* Does this line of a PAM file have our module? Comments do not count. */
static bool is_module_line(const char *line)
{
	size_t length = strcspn(line, "\n#");
	const char *found = strstr(line, MODULE);

	return found != NULL && found < line + length;
}

static const char *next_line(const char *line)
{
	line += strcspn(line, "\n");
	return *line == '\n' ? line + 1 : line;
}

static const char *find_line(const char *text, bool (*matches)(const char *line))
{
	/* Bounded by WIRING_FILE_BYTES_MAX */
	for (; *text != '\0'; text = next_line(text))
		if (matches(text))
			return text;
	return NULL;
}

/* The first line that says what happens at a session, here or in a file that it includes. */
static bool is_session_line(const char *line)
{
	line += strspn(line, " \t-");
	return strncmp(line, "session", 7) == 0 ? isspace((unsigned char)line[7])
						: strncmp(line, "@include common-session", 23) == 0;
}

static bool is_our_line(const char *line)
{
	return strncmp(line, PAM_LINE, strlen(PAM_LINE)) == 0;
}

static bool has_module(const char *path)
{
	size_t length;
	_cleanup_free_ char *text = read_file(path, &length);

	return text != NULL && find_line(text, is_module_line) != NULL;
}

/* sshd's file includes the common one, as Debian has it. */
static bool pam_has_module(void)
{
	return has_module(WIRING_PAM_FILE) || has_module(WIRING_PAM_COMMON_FILE);
}

void wiring_look(struct wiring_state *state)
{
	size_t length;
	_cleanup_free_ char *drop_in = read_file(WIRING_DROP_IN, &length);

	state->drop_in = drop_in != NULL && strcmp(drop_in, drop_in_text) == 0;
	state->pam = pam_has_module();
	state->pam_wired = access(PAM_WIRED_FILE, F_OK) == 0;
}

bool wiring_save(struct wiring_backup *backup, char *why, size_t size)
{
	memset(backup, 0, sizeof *backup);
	for (size_t i = 0; i < WIRING_FILES; i++) {
		backup->files[i].path = paths[i];
		backup->files[i].text = read_file(paths[i], &backup->files[i].length);
		backup->files[i].existed = backup->files[i].text != NULL;
		if (!backup->files[i].existed && errno != ENOENT && errno != ENOTDIR) {
			wiring_forget(backup);
			return say_errno(why, size, paths[i]);
		}
	}
	return true;
}

bool wiring_restore(const struct wiring_backup *backup, char *why, size_t size)
{
	bool good = true;

	/* As much as can be, and then say what could not. */
	for (size_t i = 0; i < WIRING_FILES; i++) {
		const char *path = backup->files[i].path;

		if (!(backup->files[i].existed
			      ? write_file(path, backup->files[i].text, backup->files[i].length)
			      : remove_file(path)))
			good = say_errno(why, size, path);
	}
	return good;
}

void wiring_forget(struct wiring_backup *backup)
{
	for (size_t i = 0; i < WIRING_FILES; i++)
		free(backup->files[i].text);
}

/* Have pam-auth-update switch our profile on or off. False, with `why`, when it says no. */
static bool switch_profile(const char *verb, char *why, size_t size)
{
	const char *const argv[] = { WIRING_PAM_AUTH_UPDATE, "--package", verb, WIRING_PAM_PROFILE,
				     NULL };
	int status = run_program(argv, why, size, WIRING_PAM_SECONDS);

	why[strcspn(why, "\n")] = '\0';
	if (status != 0 && why[0] == '\0')
		snprintf(why, size, WIRING_PAM_AUTH_UPDATE " ended with status %d", status);
	return status == 0;
}

static bool has_profile(void)
{
	return access(WIRING_PAM_PROFILE_FILE, F_OK) == 0 &&
	       access(WIRING_PAM_AUTH_UPDATE, X_OK) == 0;
}

/* Put our line in front of everything that a session does. */
static bool add_pam_line(char *why, size_t size)
{
	size_t length;
	_cleanup_free_ char *text = read_file(WIRING_PAM_FILE, &length);
	_cleanup_free_ char *changed = NULL;
	const char *place;
	int changed_length;

	if (text == NULL)
		return say_errno(why, size, WIRING_PAM_FILE);
	if (find_line(text, is_module_line) != NULL)
		return true;
	place = find_line(text, is_session_line);
	if (place == NULL) {
		snprintf(why, size,
			 WIRING_PAM_FILE ": no session line, so none to put ours before");
		return false;
	}
	changed_length = asprintf(&changed, "%.*s" PAM_LINE "%s", (int)(place - text), text, place);
	if (changed_length < 0) {
		changed = NULL;
		return say_errno(why, size, WIRING_PAM_FILE);
	}
	return write_file(WIRING_PAM_FILE, changed, (size_t)changed_length) ||
	       say_errno(why, size, WIRING_PAM_FILE);
}

bool wiring_write(bool with_pam, char *why, size_t size)
{
	if (!write_file(WIRING_DROP_IN, drop_in_text, strlen(drop_in_text)))
		return say_errno(why, size, WIRING_DROP_IN);
	if (!with_pam)
		return true;
	/* It leaves a common file alone that somebody edited: then the line goes into sshd's. */
	if (has_profile() && !pam_has_module() && !switch_profile("--enable", why, size))
		return false;
	if (!pam_has_module() && !add_pam_line(why, size))
		return false;
	return write_file(PAM_WIRED_FILE, pam_wired_text, strlen(pam_wired_text)) ||
	       say_errno(why, size, PAM_WIRED_FILE);
}

/* Only the line that we wrote: one that a person wrote is theirs. */
static bool remove_pam_line(char *why, size_t size)
{
	size_t length;
	_cleanup_free_ char *text = read_file(WIRING_PAM_FILE, &length);
	char *line;

	if (text == NULL)
		return errno == ENOENT || say_errno(why, size, WIRING_PAM_FILE);
	line = (char *)find_line(text, is_our_line);
	if (line == NULL)
		return true;
	memmove(line, line + strlen(PAM_LINE), strlen(line + strlen(PAM_LINE)) + 1);
	return write_file(WIRING_PAM_FILE, text, length - strlen(PAM_LINE)) ||
	       say_errno(why, size, WIRING_PAM_FILE);
}

bool wiring_remove(char *why, size_t size)
{
	/* pam.wired first: it is what makes a key depend on the module. */
	if (!remove_file(PAM_WIRED_FILE))
		return say_errno(why, size, PAM_WIRED_FILE);
	if (!remove_file(WIRING_DROP_IN))
		return say_errno(why, size, WIRING_DROP_IN);
	if (has_profile() && has_module(WIRING_PAM_COMMON_FILE) &&
	    !switch_profile("--remove", why, size))
		return false;
	return remove_pam_line(why, size);
}
