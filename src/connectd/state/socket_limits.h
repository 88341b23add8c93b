/* SPDX-License-Identifier: Apache-2.0 */
/* Who has a WebSocket open: limit their number, and each console to one. */
#ifndef EXC_CONNECTD_STATE_SOCKET_LIMITS_H
#define EXC_CONNECTD_STATE_SOCKET_LIMITS_H

#include <stdbool.h>
#include <stddef.h>

#include "connectd/store/iam.h"
#include "connectd/store/instance.h"
#include "connectd/state/socket_kind.h"

#define SEATS_PER_PRINCIPAL 32

struct seat {
	bool is_taken;
	enum socket_kind kind;
	char principal[IAM_PRINCIPAL_SIZE];
	char vm_id[INSTANCE_VM_ID_SIZE];
};

struct seats {
	unsigned int max;
	struct seat *seats; /* `max` of them */
};

enum seat_answer {
	SEAT_TAKEN,
	SEAT_NONE, /* all are taken */
	SEAT_NONE_FOR_PRINCIPAL, /* the principal has SEATS_PER_PRINCIPAL */
	SEAT_CONSOLE_BUSY /* this instance's console is in use */
};

/* `max` free seats; 0: none ever. Call seats_free() even on false: no memory. */
bool seats_init(struct seats *seats, unsigned int max);
void seats_free(struct seats *seats);

/* Take a seat. On SEAT_TAKEN, *seat is what seat_leave() gives back. */
enum seat_answer seat_take(struct seats *seats, enum socket_kind kind, const char *principal,
			   const char *vm_id, struct seat **seat);
void seat_leave(struct seat *seat);

#endif
