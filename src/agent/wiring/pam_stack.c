/* SPDX-License-Identifier: Apache-2.0 */
/* The module's line in sshd's PAM stack: find it, add it, remove it. */
#include "agent/wiring/pam_stack.h"

#include <ctype.h>
#include <dlfcn.h>
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/run_program.h"
#include "base/cleanup.h"

/* If the module is missing or ignores the session, the other lines decide. */
#define LINE                                                                                       \
	"session [success=ok ignore=ignore module_unknown=ignore default=die] " PAM_STACK_MODULE   \
	" # exc-instance-connect sshd enable\n"
/* The module's profile on Debian, and the program that reads it */
#define PROFILE "exc-instance-connect"
#define PROFILE_FILE "/usr/share/pam-configs/" PROFILE
#define PAM_AUTH_UPDATE "/usr/sbin/pam-auth-update"
/* Seconds that it may take */
#define PAM_AUTH_UPDATE_SECONDS 60

/* Does it exist, and does it load with all its libraries? */
static bool is_usable(const char *path, char *why, size_t size)
{
	void *module;

	if (access(path, R_OK) != 0)
		return file_say_errno(why, size, path);
	module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (module == NULL) {
		snprintf(why, size, "%s", dlerror());
		return false;
	}
	dlclose(module);
	return true;
}

bool pam_stack_find_module(char path[PAM_STACK_PATH_SIZE], char *why, size_t size)
{
	/* Distributions differ, and one machine may have both 32-bit and 64-bit modules. */
	static const char *const places[] = { "/lib/*/security",     "/lib64/security",
					      "/lib/security",       "/usr/lib/*/security",
					      "/usr/lib64/security", "/usr/lib/security" };
	char pattern[PAM_STACK_PATH_SIZE];
	bool found = false;
	glob_t own;

	snprintf(why, size, "PAM's own modules are not in any known directory");
	for (size_t i = 0; i < sizeof places / sizeof places[0] && !found; i++) {
		snprintf(pattern, sizeof pattern, "%s/pam_unix.so", places[i]);
		if (glob(pattern, 0, NULL, &own) != 0)
			continue;
		for (size_t j = 0; j < own.gl_pathc && !found; j++) {
			const char *slash = strrchr(own.gl_pathv[j], '/');

			snprintf(path, PAM_STACK_PATH_SIZE, "%.*s/" PAM_STACK_MODULE,
				 (int)(slash - own.gl_pathv[j]), own.gl_pathv[j]);
			found = is_usable(path, why, size);
		}
		globfree(&own);
	}
	return found;
}

/* Does this line of a PAM file have our module? Comments do not count. */
static bool is_module_line(const char *line)
{
	size_t length = strcspn(line, "\n#");
	const char *found = strstr(line, PAM_STACK_MODULE);

	return found != NULL && found < line + length;
}

static const char *next_line(const char *line)
{
	line += strcspn(line, "\n");
	return *line == '\n' ? line + 1 : line;
}

static const char *find_line(const char *text, bool (*matches)(const char *line))
{
	/* Bounded by FILE_BYTES_MAX */
	for (; *text != '\0'; text = next_line(text))
		if (matches(text))
			return text;
	return NULL;
}

/* The first line of the session stack, here or in a file that it includes. */
static bool is_session_line(const char *line)
{
	line += strspn(line, " \t-");
	return strncmp(line, "session", 7) == 0 ? isspace((unsigned char)line[7])
						: strncmp(line, "@include common-session", 23) == 0;
}

static bool is_our_line(const char *line)
{
	return strncmp(line, LINE, strlen(LINE)) == 0;
}

static bool has_module(const char *path)
{
	size_t length;
	_cleanup_free_ char *text = file_read(path, &length);

	return text != NULL && find_line(text, is_module_line) != NULL;
}

/* sshd's file includes the common one, as Debian has it. */
bool pam_stack_has_module(void)
{
	return has_module(PAM_STACK_FILE) || has_module(PAM_STACK_COMMON_FILE);
}

/* Have pam-auth-update switch our profile on or off. False, with `why`, if it fails. */
static bool switch_profile(const char *verb, char *why, size_t size)
{
	const char *const argv[] = { PAM_AUTH_UPDATE, "--package", verb, PROFILE, NULL };
	int status = run_program(argv, why, size, PAM_AUTH_UPDATE_SECONDS);

	why[strcspn(why, "\n")] = '\0';
	if (status != 0 && why[0] == '\0')
		snprintf(why, size, PAM_AUTH_UPDATE " exited with status %d", status);
	return status == 0;
}

static bool has_profile(void)
{
	return access(PROFILE_FILE, F_OK) == 0 && access(PAM_AUTH_UPDATE, X_OK) == 0;
}

/* Put our line in front of all other session lines. */
static bool add_line(char *why, size_t size)
{
	size_t length;
	_cleanup_free_ char *text = file_read(PAM_STACK_FILE, &length);
	_cleanup_free_ char *changed = NULL;
	const char *place;
	int changed_length;

	if (text == NULL)
		return file_say_errno(why, size, PAM_STACK_FILE);
	if (find_line(text, is_module_line) != NULL)
		return true;
	place = find_line(text, is_session_line);
	if (place == NULL) {
		snprintf(why, size,
			 PAM_STACK_FILE " has no session line, so ours cannot be added before it");
		return false;
	}
	changed_length = asprintf(&changed, "%.*s" LINE "%s", (int)(place - text), text, place);
	if (changed_length < 0) {
		changed = NULL;
		return file_say_errno(why, size, PAM_STACK_FILE);
	}
	return file_replace(PAM_STACK_FILE, changed, (size_t)changed_length) ||
	       file_say_errno(why, size, PAM_STACK_FILE);
}

bool pam_stack_add(char *why, size_t size)
{
	/* It does not change a common file that was edited: then the line goes into sshd's. */
	if (has_profile() && !pam_stack_has_module() && !switch_profile("--enable", why, size))
		return false;
	return pam_stack_has_module() || add_line(why, size);
}

/* Only the line that we wrote, not one that an administrator wrote. */
static bool remove_line(char *why, size_t size)
{
	size_t length;
	_cleanup_free_ char *text = file_read(PAM_STACK_FILE, &length);
	char *line;

	if (text == NULL)
		return errno == ENOENT || file_say_errno(why, size, PAM_STACK_FILE);
	line = (char *)find_line(text, is_our_line);
	if (line == NULL)
		return true;
	memmove(line, line + strlen(LINE), strlen(line + strlen(LINE)) + 1);
	return file_replace(PAM_STACK_FILE, text, length - strlen(LINE)) ||
	       file_say_errno(why, size, PAM_STACK_FILE);
}

bool pam_stack_remove(char *why, size_t size)
{
	if (has_profile() && has_module(PAM_STACK_COMMON_FILE) &&
	    !switch_profile("--remove", why, size))
		return false;
	return remove_line(why, size);
}
