/* SPDX-License-Identifier: Apache-2.0 */
/* The public halves of this machine's SSH host keys. */
#include "agent/report/host_keys.h"

#include <errno.h>
#include <fnmatch.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/cleanup.h"
#include "base/ssh_key.h"

/* Append the key of one file. False, with `detail`, if it has none. */
static bool read_key(const char *path, cJSON *keys, char *detail)
{
	size_t length;
	_cleanup_free_ char *text = file_read(path, &length);
	char printed[SSH_KEY_TEXT_SIZE];
	struct ssh_key key;
	char *space;

	if (text == NULL) {
		snprintf(detail, PROBLEM_DETAIL_SIZE, "%.150s: %s", path, strerror(errno));
		return false;
	}
	text[strcspn(text, "\r\n")] = '\0';
	/* The comment may name a person or a machine: do not publish it. */
	space = strchr(text, ' ');
	if (space != NULL)
		space[1 + strcspn(space + 1, " ")] = '\0';
	if (ssh_key_parse(text, &key) != SSH_KEY_OK) {
		snprintf(detail, PROBLEM_DETAIL_SIZE, "%.150s: not a public host key", path);
		return false;
	}
	ssh_key_print(&key, printed);
	return cJSON_AddItemToArray(keys, cJSON_CreateString(printed));
}

static bool read_usual_places(cJSON *keys, char *detail)
{
	glob_t found;

	if (glob(HOST_KEYS_PATTERN, 0, NULL, &found) != 0) {
		snprintf(detail, PROBLEM_DETAIL_SIZE,
			 "no host key found in %s; name the files if they are elsewhere",
			 HOST_KEYS_PATTERN);
		return false;
	}
	for (size_t i = 0; i < found.gl_pathc && i < HOST_KEYS_MAX; i++)
		read_key(found.gl_pathv[i], keys, detail);
	globfree(&found);
	return cJSON_GetArraySize(keys) > 0;
}

bool host_keys_read(const char *const *files, cJSON *keys, char detail[PROBLEM_DETAIL_SIZE])
{
	if (files[0] == NULL)
		return read_usual_places(keys, detail);
	for (size_t i = 0; files[i] != NULL; i++) {
		if (i == HOST_KEYS_MAX) {
			snprintf(detail, PROBLEM_DETAIL_SIZE, "there are over %d host keys",
				 HOST_KEYS_MAX);
			return false;
		}
		if (!read_key(files[i], keys, detail))
			return false;
	}
	return true;
}

bool host_keys_has_usual_place(const char *path)
{
	struct stat status, other;
	char public_half[512];
	bool is_linked = false;
	glob_t found;

	snprintf(public_half, sizeof public_half, "%s.pub", path);
	if (fnmatch(HOST_KEYS_PATTERN, public_half, FNM_PATHNAME) == 0)
		return true;
	if (stat(public_half, &status) != 0 || glob(HOST_KEYS_PATTERN, 0, NULL, &found) != 0)
		return false;
	for (size_t i = 0; i < found.gl_pathc && i < HOST_KEYS_MAX; i++)
		is_linked |= stat(found.gl_pathv[i], &other) == 0 &&
			     other.st_dev == status.st_dev && other.st_ino == status.st_ino;
	globfree(&found);
	return is_linked;
}
