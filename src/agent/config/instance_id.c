/* SPDX-License-Identifier: Apache-2.0 */
/* Which instance is this? Never answered by the sender of the grants. */
#include "agent/config/instance_id.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/first_line.h"
#include "ledger/paths.h"
#include "grant/grant.h"

#define ALLOWED "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

#define MACHINE_ID_FILE "/etc/machine-id"

static const struct place {
	const char *path;
	const char *name;
	bool is_pin; /* a machine id may follow the id */
} places[] = {
	{ "/sys/class/dmi/id/chassis_asset_tag", "SMBIOS chassis asset tag", false },
	{ "/sys/class/dmi/id/board_asset_tag", "SMBIOS board asset tag", false },
	{ LOCALSTATEDIR "/lib/cloud/data/instance-id", "cloud-init", false },
	{ INSTANCE_ID_FILE, "pinned", true },
};

/* What vendors put into an unset tag, and clouds that are not ours */
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

/* Cut the machine id off a pin "ID MACHINE-ID". False if it is not this machine's: the file came
 * with another machine's image. */
static bool is_for_this_machine(char *pin)
{
	char machine_id[FIRST_LINE_SIZE];
	char *space = strpbrk(pin, " \t");

	if (space == NULL)
		return true;
	*space++ = '\0';
	space += strspn(space, " \t");
	first_line(MACHINE_ID_FILE, machine_id);
	return machine_id[0] != '\0' && strcmp(space, machine_id) == 0;
}

/* The id from one place, without the audience's prefix. */
static bool read_id(const struct place *place, char id[INSTANCE_ID_SIZE])
{
	size_t prefix = strlen(GRANT_AUDIENCE_PREFIX);
	char line[FIRST_LINE_SIZE];
	const char *start = line;

	first_line(place->path, line);
	if (place->is_pin && !is_for_this_machine(line))
		return false;
	if (strncmp(start, GRANT_AUDIENCE_PREFIX, prefix) == 0)
		start += prefix;
	if (!instance_id_is_valid(start) || is_placeholder(start))
		return false;
	snprintf(id, INSTANCE_ID_SIZE, "%.*s", INSTANCE_ID_SIZE - 1, start);
	return true;
}

bool instance_find(const char *configured, char id[INSTANCE_ID_SIZE], const char **source)
{
	const char *found = "configuration";
	size_t place = 0;

	if (strcmp(configured, INSTANCE_ID_AUTO) != 0) {
		snprintf(id, INSTANCE_ID_SIZE, "%s", configured);
	} else {
		while (place < sizeof places / sizeof places[0] && !read_id(&places[place], id))
			place++;
		if (place == sizeof places / sizeof places[0])
			return false;
		found = places[place].name;
	}
	if (source != NULL)
		*source = found;
	return true;
}
