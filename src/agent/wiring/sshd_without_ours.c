/* SPDX-License-Identifier: Apache-2.0 */
/* What sshd's configuration would be without our files: what an administrator asked for. */
#include "agent/wiring/sshd_without_ours.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/wiring/wiring.h"
#include "base/cleanup.h"
#include "base/file.h"

#define TEMPLATE "/tmp/exc-instance-connect-XXXXXX"
/* The drop-ins, as links in a directory of the copy: sshd reads them in the order of their names.
 */
#define LINKS "/drop-ins/"
#define CONFIG "/sshd_config"
#define SSHD_FOLDER "/etc/ssh/"
/* The drop-in directory, as an Include names it in full or from SSHD_FOLDER on */
#define FOLDER_NAME "sshd_config.d/"
#define PATH_SIZE 512
/* Entries of the drop-in directory that are read; with more the copy would be another configuration
 */
#define DROP_INS_MAX 1000

static bool is_ours(const char *path)
{
	return strcmp(path, WIRING_DROP_IN) == 0 || strcmp(path, WIRING_DROP_IN_FIRST) == 0;
}

/* Call `act` with each entry of a directory; false as soon as it fails. */
static bool each_entry(const char *folder,
		       bool (*act)(const char *path, const char *name, const void *context),
		       const void *context)
{
	DIR *entries = opendir(folder);
	const struct dirent *entry;
	char path[PATH_SIZE];
	bool good = entries != NULL;

	for (int i = 0; good && (entry = readdir(entries)) != NULL; i++) {
		if (i == DROP_INS_MAX) {
			errno = EMLINK;
			good = false;
			break;
		}
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
		good = act(path, entry->d_name, context);
	}
	if (entries != NULL)
		closedir(entries);
	return good;
}

static bool link_drop_in(const char *path, const char *name, const void *context)
{
	const struct sshd_without_ours *without = context;
	char link[PATH_SIZE];

	snprintf(link, sizeof link, "%s" LINKS "%s", without->directory, name);
	return is_ours(path) || symlink(path, link) == 0;
}

static bool remove_link(const char *path, const char *name, const void *context)
{
	(void)name;
	(void)context;
	return unlink(path) == 0;
}

static bool is_include(const char *line)
{
	static const char keyword[] = "include";

	line += strspn(line, " \t\"");
	return strncasecmp(line, keyword, strlen(keyword)) == 0 &&
	       strchr(" \t=\"", line[strlen(keyword)]) != NULL;
}

/* One line, with our directory of links in place of the drop-in directory */
static void print_include(FILE *to, const char *line, const char *directory)
{
	const char *found;

	while ((found = strstr(line, FOLDER_NAME)) != NULL) {
		const size_t before = (size_t)(found - line), folder = strlen(SSHD_FOLDER);
		const bool whole =
			before >= folder && strncmp(found - folder, SSHD_FOLDER, folder) == 0;

		if (whole || (before > 0 && strchr(" \t=\"", found[-1]) != NULL))
			fprintf(to, "%.*s%s" LINKS, (int)(before - (whole ? folder : 0)), line,
				directory);
		else
			fprintf(to, "%.*s" FOLDER_NAME, (int)before, line);
		line = found + strlen(FOLDER_NAME);
	}
	fputs(line, to);
}

static bool write_config(const struct sshd_without_ours *without)
{
	size_t length;
	_cleanup_free_ char *text = file_read(sshd_config_path(&without->sshd), &length);
	FILE *to = text == NULL ? NULL : fopen(without->config, "we");
	char *rest = text, *line;

	if (to == NULL)
		return false;
	/* Bounded by FILE_BYTES_MAX */
	while ((line = strsep(&rest, "\n")) != NULL) {
		if (is_include(line))
			print_include(to, line, without->directory);
		else
			fputs(line, to);
		if (rest != NULL)
			fputc('\n', to);
	}
	return fclose(to) == 0;
}

bool sshd_without_ours_make(struct sshd_without_ours *without, char *why, size_t size)
{
	char links[PATH_SIZE];

	without->directory[0] = '\0';
	sshd_find_without_ours(&without->sshd);
	if (access(WIRING_DROP_IN, F_OK) != 0 && access(WIRING_DROP_IN_FIRST, F_OK) != 0)
		return true;
	snprintf(without->directory, sizeof without->directory, TEMPLATE);
	if (mkdtemp(without->directory) == NULL) {
		without->directory[0] = '\0';
		return file_say_errno(why, size, TEMPLATE);
	}
	snprintf(links, sizeof links, "%s" LINKS, without->directory);
	snprintf(without->config, sizeof without->config, "%.32s" CONFIG, without->directory);
	if (mkdir(links, 0700) != 0 || !each_entry(SSHD_DROP_IN_DIR, link_drop_in, without) ||
	    !write_config(without))
		return file_say_errno(why, size, without->directory);
	without->sshd.config = without->config;
	return true;
}

void sshd_without_ours_forget(struct sshd_without_ours *without)
{
	char links[PATH_SIZE];

	if (without->directory[0] == '\0')
		return;
	snprintf(links, sizeof links, "%s" LINKS, without->directory);
	each_entry(links, remove_link, NULL);
	rmdir(links);
	unlink(without->config);
	rmdir(without->directory);
	without->directory[0] = '\0';
}

/* Read one of the two commands, and compare it with what sshd has. */
static void look_at(const char *keyword, const char *user_keyword,
		    const struct sshd_effective *with, const struct sshd_effective *without,
		    struct sshd_hidden_command *hidden)
{
	char user[SSHD_VALUE_SIZE];

	sshd_value(with, keyword, hidden->instead);
	sshd_value(with, user_keyword, user);
	sshd_value(without, keyword, hidden->command);
	sshd_value(without, user_keyword, hidden->user);
	hidden->is_hidden =
		strcmp(hidden->instead, hidden->command) != 0 || strcmp(user, hidden->user) != 0;
}

bool sshd_find_hidden(const struct sshd_effective *effective, const char *next_command,
		      struct sshd_hidden *hidden, char *why, size_t size)
{
	struct sshd_without_ours without;
	struct sshd_effective bare;
	bool asked;

	memset(hidden, 0, sizeof *hidden);
	asked = sshd_without_ours_make(&without, why, size) &&
		sshd_ask(&without.sshd, NULL, &bare, why, size);
	sshd_without_ours_forget(&without);
	if (!asked)
		return false;
	look_at("authorizedkeyscommand", "authorizedkeyscommanduser", effective, &bare,
		&hidden->keys);
	look_at("authorizedprincipalscommand", "authorizedprincipalscommanduser", effective, &bare,
		&hidden->principals);
	hidden->has_stale_chain = sshd_command_is_ours(hidden->keys.instead) &&
				  sshd_command_is_none(hidden->keys.command) &&
				  wiring_has_next_command();
	hidden->keys.is_hidden = hidden->keys.is_hidden &&
				 !sshd_command_is_none(hidden->keys.command) &&
				 !sshd_command_is_ours(hidden->keys.command) &&
				 strcmp(hidden->keys.command, next_command) != 0;
	return true;
}
