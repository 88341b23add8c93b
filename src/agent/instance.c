/* SPDX-License-Identifier: Apache-2.0 */
/* Which instance is this? Never answered by whoever sends the grants. */
#include "agent/instance.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "agent/paths.h"
#include "grant/cleanup.h"
#include "grant/grant.h"

#define ALLOWED "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

static const struct place {
	const char *path;
	const char *name;
} places[] = {
	{ "/sys/class/dmi/id/chassis_asset_tag", "SMBIOS chassis asset tag" },
	{ "/sys/class/dmi/id/board_asset_tag", "SMBIOS board asset tag" },
	{ LOCALSTATEDIR "/lib/cloud/data/instance-id", "cloud-init" },
	{ INSTANCE_ID_FILE, "pinned" },
};

/* What makers write into a tag that nobody has set, and clouds that are not ours */
static const char *const placeholders[] = {
	"none",  "unknown", "default", "empty", "n-a",
	"asset", "oem",     "O.E.M.",  "0",     "iid-datasource-none",
};

bool instance_id_is_valid(const char *id)
{
	size_t length = strlen(id);

	return length > 0 && length < INSTANCE_ID_SIZE && strspn(id, ALLOWED) == length;
}

static bool is_placeholder(const char *id)
{
	for (size_t i = 0; i < sizeof placeholders / sizeof placeholders[0]; i++)
		if (strcasecmp(id, placeholders[i]) == 0)
			return true;
	return false;
}

/* The first line of a small file, without white space around it and without the audience's
 * prefix. */
static bool read_id(const char *path, char id[INSTANCE_ID_SIZE])
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	size_t prefix = strlen(GRANT_AUDIENCE_PREFIX);
	char text[256];
	char *start, *end;
	ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof text - 1);

	if (got <= 0)
		return false;
	text[got] = '\0';
	start = text + strspn(text, " \t");
	start[strcspn(start, "\r\n")] = '\0';
	end = start + strlen(start);
	while (end > start && (end[-1] == ' ' || end[-1] == '\t'))
		*--end = '\0';
	if (strncmp(start, GRANT_AUDIENCE_PREFIX, prefix) == 0)
		start += prefix;
	if (!instance_id_is_valid(start) || is_placeholder(start))
		return false;
	snprintf(id, INSTANCE_ID_SIZE, "%s", start);
	return true;
}

bool instance_find(const char *configured, char id[INSTANCE_ID_SIZE], const char **source)
{
	const char *found = "configuration";
	size_t place = 0;

	if (strcmp(configured, INSTANCE_ID_AUTO) != 0) {
		snprintf(id, INSTANCE_ID_SIZE, "%s", configured);
	} else {
		while (place < sizeof places / sizeof places[0] && !read_id(places[place].path, id))
			place++;
		if (place == sizeof places / sizeof places[0])
			return false;
		found = places[place].name;
	}
	if (source != NULL)
		*source = found;
	return true;
}
