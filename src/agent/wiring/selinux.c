/* SPDX-License-Identifier: Apache-2.0 */
/* What the loaded SELinux policy lets the agent do. */
#include "agent/wiring/selinux.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/cleanup.h"

#define BOOLEANS "/sys/fs/selinux/booleans/"

bool selinux_forbids_next_command(void)
{
	_cleanup_close_ int fd = open(BOOLEANS SELINUX_NEXT_COMMAND, O_RDONLY | O_CLOEXEC);
	char state;

	/* "0 0": its current and its pending state */
	return fd >= 0 && read(fd, &state, 1) == 1 && state == '0';
}
