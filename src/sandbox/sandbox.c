/* SPDX-License-Identifier: Apache-2.0 */
/* The walls around a program that reads what strangers wrote. */
#include "sandbox/sandbox.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/landlock.h"
#include "sandbox/seccomp.h"

/* AddressSanitizer maps terabytes. */
#ifdef __SANITIZE_ADDRESS__
#define ADDRESS_SPACE_MAX RLIM_INFINITY
#else
#define ADDRESS_SPACE_MAX SANDBOX_ADDRESS_SPACE_MAX
#endif

static const struct {
	int resource;
	rlim_t max;
} limits[] = {
	{ RLIMIT_AS, ADDRESS_SPACE_MAX },
	{ RLIMIT_CORE, 0 },
	{ RLIMIT_CPU, SANDBOX_CPU_SECONDS_MAX },
	{ RLIMIT_FSIZE, SANDBOX_FILE_BYTES_MAX },
	{ RLIMIT_NOFILE, SANDBOX_DESCRIPTORS_MAX },
	{ RLIMIT_NPROC, 0 }, /* no new process, however many exist; no effect on root */
};

/* Lower one limit. A limit that is already lower stays. */
static bool limit(int resource, rlim_t max)
{
	struct rlimit value;

	if (getrlimit(resource, &value) != 0)
		return false;
	if (value.rlim_max <= max && value.rlim_cur <= max)
		return true;
	value.rlim_max = value.rlim_max < max ? value.rlim_max : max;
	value.rlim_cur = value.rlim_cur < value.rlim_max ? value.rlim_cur : value.rlim_max;
	return setrlimit(resource, &value) == 0;
}

static bool limit_all(void)
{
	bool good = true;

	/* Writing too large a file is then an error, and the key is not offered. */
	signal(SIGXFSZ, SIG_IGN);
	for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++)
		good &= limit(limits[i].resource, limits[i].max);
	return good;
}

unsigned int sandbox_enter(const struct sandbox *sandbox)
{
	unsigned int walls = 0;

	/* Without it, only root may use Landlock and seccomp. */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL) == 0)
		walls |= SANDBOX_PRIVILEGES;
	walls |= sandbox_landlock(sandbox);
	if (limit_all())
		walls |= SANDBOX_LIMITS;
	/* Last, as it forbids setting up the others. */
	if (sandbox_seccomp(sandbox->port != 0))
		walls |= SANDBOX_CALLS;
	return walls;
}

unsigned int sandbox_try(const struct sandbox *sandbox)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit((int)sandbox_enter(sandbox));
	while (pid > 0 && waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return 0;
	return pid > 0 && WIFEXITED(status) ? (unsigned int)WEXITSTATUS(status) : 0;
}

const char *sandbox_wall_name(unsigned int wall)
{
	switch (wall) {
	case SANDBOX_PRIVILEGES:
		return "no new privileges";
	case SANDBOX_LIMITS:
		return "resource limits";
	case SANDBOX_FILES:
		return "Landlock for files";
	case SANDBOX_PORTS:
		return "Landlock for ports";
	case SANDBOX_CALLS:
		return "seccomp";
	default:
		return "unknown";
	}
}
