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
#define CLOUD_INIT_ID_FILE LOCALSTATEDIR "/lib/cloud/data/instance-id"
#define CLOUD_INIT_DATASOURCE_FILE LOCALSTATEDIR "/lib/cloud/instance/datasource"

static const struct place {
	const char *path;
	const char *name;
	enum {
		PLACE_TAG,
		PLACE_CLOUD_INIT, /* counts if its datasource is local */
		PLACE_PIN /* a machine id may follow the id */
	} kind;
} places[] = {
	{ "/sys/class/dmi/id/chassis_asset_tag", "SMBIOS chassis asset tag", PLACE_TAG },
	{ "/sys/class/dmi/id/board_asset_tag", "SMBIOS board asset tag", PLACE_TAG },
	{ CLOUD_INIT_ID_FILE, "cloud-init", PLACE_CLOUD_INIT },
	{ INSTANCE_ID_FILE, "pinned", PLACE_PIN },
};

/* cloud-init's datasources that read a disk, a serial line or the hypervisor, and no network. */
static const char *const local_datasources[] = {
	"DataSourceConfigDrive", "DataSourceIBMCloud", "DataSourceLXD",    "DataSourceOVF",
	"DataSourceRbxCloud",    "DataSourceSmartOS",  "DataSourceVMware",
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

/* "DataSourceNoCloud [seed=/dev/sr0][dsmode=net]": a seed may be a disk, a directory, or a URL, and
 * several of them. */
static bool has_local_seed(const char *description)
{
	const char *seed = strstr(description, "[seed=");

	return seed != NULL && seed[strlen("[seed=")] == '/' && strstr(description, "://") == NULL;
}

/* Did cloud-init learn the id on this machine? Whoever answers it on the network may be the one who
 * sends the grants. */
static bool is_from_local_datasource(void)
{
	char line[FIRST_LINE_SIZE];
	size_t length;

	/* "CLASS: DESCRIPTION" */
	first_line(CLOUD_INIT_DATASOURCE_FILE, line);
	length = strcspn(line, ":");
	if (strncmp(line, "DataSourceNoCloud", strlen("DataSourceNoCloud")) == 0)
		return has_local_seed(line);
	for (size_t i = 0; i < sizeof local_datasources / sizeof local_datasources[0]; i++)
		if (strlen(local_datasources[i]) == length &&
		    strncmp(line, local_datasources[i], length) == 0)
			return true;
	return false;
}

/* The id from one place, without the audience's prefix. */
static bool read_id(const struct place *place, char id[INSTANCE_ID_SIZE])
{
	size_t prefix = strlen(GRANT_AUDIENCE_PREFIX);
	char line[FIRST_LINE_SIZE];
	const char *start = line;

	first_line(place->path, line);
	if ((place->kind == PLACE_PIN && !is_for_this_machine(line)) ||
	    (place->kind == PLACE_CLOUD_INIT && !is_from_local_datasource()))
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
