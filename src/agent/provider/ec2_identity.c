/* SPDX-License-Identifier: Apache-2.0 */
/* Is this machine the EC2 instance that the metadata service says it is? */
#include "agent/provider/ec2_identity.h"

#include <stdio.h>
#include <string.h>

#include "base/first_line.h"
#include "agent/config/instance_id.h"

#define BOARD_TAG_FILE "/sys/class/dmi/id/board_asset_tag"
#define PREFIX "i-"
/* Hexadecimal digits after it: once 8, now 17 */
#define DIGITS_MIN 8
#define DIGITS_MAX 32

static bool is_instance_id(const char *text)
{
	size_t digits = strlen(text) < strlen(PREFIX) ? 0 : strlen(text + strlen(PREFIX));

	return strncmp(text, PREFIX, strlen(PREFIX)) == 0 && digits >= DIGITS_MIN &&
	       digits <= DIGITS_MAX && strspn(text + strlen(PREFIX), "0123456789abcdef") == digits;
}

bool ec2_identity_holds(const char *configured, const char *id, const char **source,
			char detail[PROBLEM_DETAIL_SIZE])
{
	const bool is_configured = strcmp(configured, INSTANCE_ID_AUTO) != 0;
	char tag[FIRST_LINE_SIZE];

	if (!is_instance_id(id)) {
		snprintf(detail, PROBLEM_DETAIL_SIZE, "%.64s is not an EC2 instance id", id);
		return false;
	}
	if (is_configured && strcmp(configured, id) != 0) {
		snprintf(detail, PROBLEM_DETAIL_SIZE,
			 "the metadata service says %.64s, the configuration %.64s", id,
			 configured);
		return false;
	}
	first_line(BOARD_TAG_FILE, tag);
	if (is_instance_id(tag) && strcmp(tag, id) != 0) {
		snprintf(detail, PROBLEM_DETAIL_SIZE,
			 "the metadata service says %.64s, SMBIOS %.64s", id, tag);
		return false;
	}
	*source = is_instance_id(tag) ? "SMBIOS board asset tag" : "configuration";
	if (is_instance_id(tag) || is_configured)
		return true;
	/* Xen. Its hypervisor's uuid shows that this is EC2, or another cloud that begins its
	 * uuids so, but not which instance. */
	snprintf(detail, PROBLEM_DETAIL_SIZE,
		 "SMBIOS does not confirm that this is %.64s: without it, set instance_id", id);
	return false;
}
