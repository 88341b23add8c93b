/* SPDX-License-Identifier: Apache-2.0 */
/* The wall around files and ports: Landlock (landlock(7)). */
#ifndef EXC_SANDBOX_LANDLOCK_H
#define EXC_SANDBOX_LANDLOCK_H

#include "sandbox/sandbox.h"

/* Set it up. Returns which of SANDBOX_FILES and SANDBOX_PORTS are active: none in a kernel without
 * Landlock. */
unsigned int sandbox_landlock(const struct sandbox *sandbox);

#endif
