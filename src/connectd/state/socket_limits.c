/* SPDX-License-Identifier: Apache-2.0 */
/* Who has a WebSocket open: limit their number, and each console to one. */
#include "connectd/state/socket_limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool seats_init(struct seats *seats, unsigned int max)
{
	*seats = (struct seats){ .max = max };
	if (max == 0)
		return true;
	seats->seats = calloc(max, sizeof *seats->seats);
	return seats->seats != NULL;
}

void seats_free(struct seats *seats)
{
	free(seats->seats);
	*seats = (struct seats){ 0 };
}

enum seat_answer seat_take(struct seats *seats, enum socket_kind kind, const char *principal,
			   const char *vm_id, struct seat **seat)
{
	struct seat *empty = NULL;
	unsigned int theirs = 0;

	for (unsigned int i = 0; i < seats->max; i++) {
		struct seat *one = &seats->seats[i];

		if (!one->is_taken) {
			empty = one;
			continue;
		}
		if (strcmp(one->principal, principal) == 0)
			theirs++;
		if (kind == SOCKET_CONSOLE && one->kind == kind && strcmp(one->vm_id, vm_id) == 0)
			return SEAT_CONSOLE_BUSY;
	}
	if (theirs >= SEATS_PER_PRINCIPAL)
		return SEAT_NONE_FOR_PRINCIPAL;
	if (empty == NULL)
		return SEAT_NONE;
	empty->is_taken = true;
	empty->kind = kind;
	snprintf(empty->principal, sizeof empty->principal, "%s", principal);
	snprintf(empty->vm_id, sizeof empty->vm_id, "%s", vm_id);
	*seat = empty;
	return SEAT_TAKEN;
}

void seat_leave(struct seat *seat)
{
	*seat = (struct seat){ 0 };
}
