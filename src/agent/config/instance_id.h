/* SPDX-License-Identifier: Apache-2.0 */
/* Which instance is this? Never answered by the sender of the grants. */
#ifndef EXC_AGENT_CONFIG_INSTANCE_ID_H
#define EXC_AGENT_CONFIG_INSTANCE_ID_H

#include <stdbool.h>

/* An id and its NUL */
#define INSTANCE_ID_SIZE 65
#define INSTANCE_ID_AUTO "auto"

/* 1 to 64 letters, digits and ._- */
bool instance_id_is_valid(const char *id);

/* The first of: `configured` unless it is "auto"; the SMBIOS asset tag of the chassis, then of the
 * board; cloud-init's instance id; the id in INSTANCE_ID_FILE, unless it is followed by another
 * machine's id (machine-id(5)). `source`, if not NULL, is set to the name of where it was found, a
 * string constant. False if there is none. */
bool instance_find(const char *configured, char id[INSTANCE_ID_SIZE], const char **source);

#endif
