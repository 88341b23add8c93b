/* SPDX-License-Identifier: Apache-2.0 */
/* May the agent rely on the PAM module to spend keys? */
#include "agent/config/pam_wired.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

bool pam_wired(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char text[PAM_WIRED_BYTES_MAX];
	ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	char *module;

	if (length < 0)
		return false;
	text[length] = '\0';
	module = text[0] == '/' ? text : strstr(text, "\n/");
	/* An administrator who makes the file by hand, with touch, has seen the module work. */
	if (module == NULL)
		return true;
	module += *module == '\n';
	module[strcspn(module, "\n")] = '\0';
	return access(module, R_OK) == 0;
}
