/* SPDX-License-Identifier: Apache-2.0 */
/* Run the agent in sshd's stead, and append what the run took to a file: microseconds from start to
 * end, microseconds of processor time, peak memory in KiB, and the key's fingerprint. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

static long long us(struct timeval time)
{
	return time.tv_sec * 1000000LL + time.tv_usec;
}

int main(int argc, char **argv)
{
	long long begin = now_us();
	struct rusage usage;
	char line[256];
	int fd, status, length;
	pid_t pid = fork();

	if (pid == 0) {
		execv(AGENT, argv);
		_exit(127);
	}
	if (pid < 0 || wait4(pid, &status, 0, &usage) != pid)
		return EXIT_FAILURE;
	length = snprintf(line, sizeof line, "%lld %lld %ld %.64s\n", now_us() - begin,
			  us(usage.ru_utime) + us(usage.ru_stime), usage.ru_maxrss,
			  argc > 3 ? argv[3] : "-");
	/* One write, so that the lines of runs that end together are whole. */
	fd = open(RUNS, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (fd < 0 || write(fd, line, (size_t)length) != length)
		return EXIT_FAILURE;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
}
