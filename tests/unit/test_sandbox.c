/* SPDX-License-Identifier: Apache-2.0 */
/* Walk into each wall of the sandbox. Whatever is tried is tried in a child that is inside. */
#include "unit.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/provider/provider.h"
#include "agent/answer/walls.h"
#include "fetch/endpoint.h"
#include "base/cleanup.h"
#include "mint.h"

/* How a child ended: with 0 or an errno as its exit status, or by a signal */
#define KILLED_BY(signal_number) (-(signal_number))
/* Exit status of a child in which the walls that a test is about do not stand */
#define NO_WALL 255

/* A ledger and a trust directory, and what is beside them. */
struct place {
	struct config config;
	char *directory;
	char ledger[PATH_MAX];
	char beside[PATH_MAX]; /* a file that anybody may read */
	int port, other_port; /* of TCP on 127.0.0.1, where this test listens */
	int listener, other_listener;
};

static int listen_somewhere(int *port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
	*port = ntohs(address.sin_port);
	return fd;
}

static int make_place(void **state)
{
	struct place *place = calloc(1, sizeof *place);
	char link[PATH_MAX];

	assert_non_null(place);
	place->directory = mint_directory();
	place->config.provider = PROVIDER_EXCLOUD;
	snprintf(place->ledger, sizeof place->ledger, "%s/ledger", place->directory);
	snprintf(place->config.trust_dir, sizeof place->config.trust_dir, "%s/trust",
		 place->directory);
	assert_int_equal(mkdir(place->ledger, 0700), 0);
	assert_int_equal(mkdir(place->config.trust_dir, 0700), 0);
	mint_write_text(place->directory, "beside", "beside");
	mint_write_text(place->directory, "elsewhere.pem", "linked");
	mint_write_text(place->config.trust_dir, "anchor.pem", "anchor");
	snprintf(place->beside, sizeof place->beside, "%s/beside", place->directory);
	snprintf(link, sizeof link, "%s/linked.pem", place->config.trust_dir);
	assert_int_equal(symlink("../elsewhere.pem", link), 0);
	place->listener = listen_somewhere(&place->port);
	place->other_listener = listen_somewhere(&place->other_port);
	snprintf(place->config.metadata_url, sizeof place->config.metadata_url,
		 "http://127.0.0.1:%d", place->port);
	*state = place;
	return 0;
}

static int remove_place(void **state)
{
	struct place *place = *state;

	close(place->listener);
	close(place->other_listener);
	mint_remove(place->directory);
	free(place);
	return 0;
}

/* Returns 0 or an errno. */
typedef int attempt(const struct place *place, long argument);

static unsigned int enter_agents(const struct place *place)
{
	return walls_enter(&place->config, place->ledger);
}

static unsigned int enter_fetchs(const struct place *place)
{
	struct endpoint endpoint;
	struct sandbox walls;

	assert_true(endpoint_from_url(place->config.metadata_url, &endpoint));
	walls = endpoint_walls(&endpoint);
	return sandbox_enter(&walls);
}

/* Try it behind walls, of which these have to stand. Skips the test where they do not. */
static int behind(unsigned int (*enter)(const struct place *place), const struct place *place,
		  unsigned int needed, attempt *try, long argument)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		if ((enter(place) & needed) != needed)
			_exit(NO_WALL);
		_exit(try(place, argument));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status))
		return KILLED_BY(WTERMSIG(status));
	if (WEXITSTATUS(status) == NO_WALL)
		skip();
	return WEXITSTATUS(status);
}

static int inside(const struct place *place, unsigned int needed, attempt *try, long argument)
{
	return behind(enter_agents, place, needed, try, argument);
}

static int inside_fetch(const struct place *place, unsigned int needed, attempt *try, long argument)
{
	return behind(enter_fetchs, place, needed, try, argument);
}

static int result_of(long result)
{
	return result < 0 ? errno : 0;
}

static int read_path(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	char byte;

	return result_of(fd < 0 ? -1 : read(fd, &byte, 1));
}

static int read_shadow(const struct place *place, long argument)
{
	return read_path("/etc/shadow");
}

static int read_beside(const struct place *place, long argument)
{
	return read_path(place->beside);
}

static int read_in_trust(const struct place *place, long linked)
{
	char path[PATH_MAX];

	snprintf(path, sizeof path, "%s/%s.pem", place->config.trust_dir,
		 linked ? "linked" : "anchor");
	return read_path(path);
}

static int read_what_runs_need(const struct place *place, long argument)
{
	static const char *const paths[] = { "/proc/1/stat", "/etc/machine-id",
					     "/usr/lib/os-release" };

	for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
		if (access(paths[i], F_OK) == 0 && read_path(paths[i]) != 0)
			return errno;
	return 0;
}

static void it_reads_what_a_run_needs_and_nothing_else(void **state)
{
	const struct place *place = *state;

	assert_int_equal(read_beside(place, 0), 0);
	assert_int_equal(inside(place, SANDBOX_FILES, read_beside, 0), EACCES);
	/* The barest of systems has none. */
	if (read_shadow(place, 0) != ENOENT)
		assert_int_equal(inside(place, SANDBOX_FILES, read_shadow, 0), EACCES);
	assert_int_equal(inside(place, SANDBOX_FILES, read_in_trust, false), 0);
	assert_int_equal(inside(place, SANDBOX_FILES, read_in_trust, true), 0);
	assert_int_equal(inside(place, SANDBOX_FILES, read_what_runs_need, 0), 0);
}

static const char *const named_paths[] = { "/etc/nsswitch.conf", "/etc/ssl/openssl.cnf" };

static int read_named(const struct place *place, long which)
{
	return read_path(named_paths[which]);
}

static void files_about_names_and_certificates_are_for_those_who_need_them(void **state)
{
	static const struct {
		const char *url, *provider;
		int agents, fetchs; /* of certificates */
	} cases[] = {
		{ "http://192.0.2.1:8080", "excloud", EACCES, EACCES },
		{ "https://[fd00::1]", "excloud", EACCES, 0 },
		{ "http://metadata.example:80", "excloud", EACCES, EACCES },
		{ "https://metadata.example", "excloud", EACCES, 0 },
		{ "http://192.0.2.1", "ec2", 0, EACCES },
	};
	struct place place = *(const struct place *)*state;

	/* Outside, they are there to be read, on all but the barest of systems. */
	if (read_named(&place, 0) != 0 || read_named(&place, 1) != 0)
		skip();
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		snprintf(place.config.metadata_url, sizeof place.config.metadata_url, "%s",
			 cases[i].url);
		assert_true(config_provider_named(cases[i].provider, &place.config.provider));
		/* Names are looked up before the walls go up. */
		assert_int_equal(inside(&place, SANDBOX_FILES, read_named, 0), EACCES);
		assert_int_equal(inside_fetch(&place, SANDBOX_FILES, read_named, 0), EACCES);
		assert_int_equal(inside(&place, SANDBOX_FILES, read_named, 1), cases[i].agents);
		assert_int_equal(inside_fetch(&place, SANDBOX_FILES, read_named, 1),
				 cases[i].fetchs);
	}
}

static int create(const struct place *place, const char *folder, long flags)
{
	char path[PATH_MAX + 8];
	_cleanup_close_ int fd = -1;

	snprintf(path, sizeof path, "%s/new", folder);
	fd = open(path, O_WRONLY | O_CLOEXEC | (int)flags, 0600);
	return result_of(fd);
}

static int create_beside(const struct place *place, long argument)
{
	return create(place, place->directory, O_CREAT | O_EXCL);
}

static int create_in_trust(const struct place *place, long argument)
{
	return create(place, place->config.trust_dir, O_CREAT | O_EXCL);
}

static int write_beside(const struct place *place, long flags)
{
	_cleanup_close_ int fd = open(place->beside, O_CLOEXEC | (int)flags);

	return result_of(fd);
}

static int remove_beside(const struct place *place, long argument)
{
	return result_of(unlinkat(AT_FDCWD, place->beside, 0));
}

/* What ledger.c and stamp.c do */
static int keep_a_ledger(const struct place *place, long argument)
{
	const struct timespec times[2] = { { .tv_sec = 7 }, { .tv_sec = 7 } };
	int ledger = open(place->ledger, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int keys, fd;

	if (ledger < 0 || mkdirat(ledger, "keys", 0700) != 0)
		return errno;
	keys = openat(ledger, "keys", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fd = openat(keys, "new", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, "offer", 5) != 5 || futimens(fd, times) != 0)
		return errno;
	if (flock(keys, LOCK_EX) != 0 || renameat(keys, "new", keys, "newer") != 0)
		return errno;
	if (linkat(keys, "newer", keys, "offered", 0) != 0 || unlinkat(keys, "newer", 0) != 0)
		return errno;
	if (unlinkat(keys, "offered", 0) != 0 || unlinkat(ledger, "keys", AT_REMOVEDIR) != 0)
		return errno;
	return 0;
}

static void it_writes_the_ledger_and_nothing_else(void **state)
{
	const struct place *place = *state;

	assert_int_equal(inside(place, SANDBOX_FILES, create_beside, 0), EACCES);
	assert_int_equal(inside(place, SANDBOX_FILES, create_in_trust, 0), EACCES);
	assert_int_equal(inside(place, SANDBOX_FILES, write_beside, O_WRONLY), EACCES);
	assert_int_equal(inside(place, SANDBOX_FILES, write_beside, O_RDWR | O_APPEND), EACCES);
	assert_int_equal(inside(place, SANDBOX_FILES, remove_beside, 0), EACCES);
	assert_int_equal(inside(place, SANDBOX_FILES | SANDBOX_CALLS, keep_a_ledger, 0), 0);
}

static int read_trust(const struct place *place, long argument)
{
	return read_in_trust(place, false);
}

static int write_ledger(const struct place *place, long argument)
{
	return create(place, place->ledger, O_CREAT | O_EXCL);
}

static void the_fetch_program_has_neither_trust_anchors_nor_the_ledger(void **state)
{
	const struct place *place = *state;

	assert_int_equal(inside_fetch(place, SANDBOX_FILES, read_trust, 0), EACCES);
	assert_int_equal(inside_fetch(place, SANDBOX_FILES, read_beside, 0), EACCES);
	assert_int_equal(inside_fetch(place, SANDBOX_FILES, write_ledger, 0), EACCES);
}

static int connect_tcp(const struct place *place, long port)
{
	const struct sockaddr_in address = { .sin_family = AF_INET,
					     .sin_port = htons((uint16_t)port),
					     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	_cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return errno;
	return result_of(connect(fd, (const struct sockaddr *)&address, sizeof address));
}

static void fetch_connects_to_the_endpoints_port_and_no_other_and_the_agent_to_none(void **state)
{
	const struct place *place = *state;

	assert_int_equal(connect_tcp(place, place->other_port), 0);
	assert_int_equal(inside_fetch(place, SANDBOX_PORTS, connect_tcp, place->port), 0);
	assert_int_equal(inside_fetch(place, SANDBOX_PORTS, connect_tcp, place->other_port),
			 EACCES);
	assert_int_equal(inside(place, SANDBOX_CALLS, connect_tcp, place->port), EAFNOSUPPORT);
}

static void the_port_is_read_from_every_form_of_the_url(void **state)
{
	static const struct {
		const char *url;
		int port;
	} cases[] = {
		{ "http://192.0.2.1", 80 },
		{ "https://192.0.2.1", 443 },
		{ "https://metadata.example", 443 },
		{ "http://metadata.example:8080/a:9/b", 8080 },
		{ "http://[fd00::1]", 80 },
		{ "https://[fd00::1]/a", 443 },
		{ "https://[fd00::1]:8443/a:9", 8443 },
	};
	struct place place = *(const struct place *)*state;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		snprintf(place.config.metadata_url, sizeof place.config.metadata_url, "%s",
			 cases[i].url);
		/* Whether anybody listens there or not: it was let through, or not. */
		assert_int_not_equal(
			inside_fetch(&place, SANDBOX_PORTS, connect_tcp, cases[i].port), EACCES);
		assert_int_equal(
			inside_fetch(&place, SANDBOX_PORTS, connect_tcp, cases[i].port + 1),
			EACCES);
	}
}

static int make_socket(const struct place *place, long family)
{
	_cleanup_close_ int fd = socket((int)family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	return result_of(fd);
}

static void the_agent_has_this_machines_sockets_and_fetch_those_of_ip(void **state)
{
	const struct place *place = *state;

	assert_int_equal(inside(place, SANDBOX_CALLS, make_socket, AF_UNIX), 0);
	assert_int_equal(inside(place, SANDBOX_CALLS, make_socket, AF_INET6), EAFNOSUPPORT);
	assert_int_equal(inside_fetch(place, SANDBOX_CALLS, make_socket, AF_INET), 0);
	assert_int_equal(inside_fetch(place, SANDBOX_CALLS, make_socket, AF_INET6), 0);
	assert_int_equal(inside_fetch(place, SANDBOX_CALLS, make_socket, AF_UNIX), EAFNOSUPPORT);
	assert_int_equal(inside_fetch(place, SANDBOX_CALLS, make_socket, AF_NETLINK), EAFNOSUPPORT);
	assert_int_equal(make_socket(place, AF_NETLINK), 0);
	assert_int_equal(inside(place, SANDBOX_CALLS, make_socket, AF_NETLINK), EAFNOSUPPORT);
	assert_int_equal(inside(place, SANDBOX_CALLS, make_socket, AF_PACKET), EAFNOSUPPORT);
}

static int start_program(const struct place *place, long argument)
{
	char name[] = "true", *argv[] = { name, NULL };

	execv("/bin/true", argv);
	return errno;
}

static int fork_once(const struct place *place, long argument)
{
	return result_of(fork());
}

static int spawn(const struct place *place, long argument)
{
	char name[] = "true", *argv[] = { name, NULL };
	pid_t pid;

	return posix_spawn(&pid, "/bin/true", NULL, NULL, argv, argv + 1);
}

static int call(const struct place *place, long number)
{
	return result_of(syscall(number, 0L, 0L, 0L, 0L, 0L, 0L));
}

static void a_call_that_no_run_needs_ends_it(void **state)
{
	static const long calls[] = {
		SYS_bind,        SYS_listen,
		SYS_accept4,     SYS_ptrace,
		SYS_setuid,      SYS_setresuid,
		SYS_setgroups,   SYS_tgkill,
		SYS_setrlimit,   SYS_mount,
		SYS_umount2,     SYS_unshare,
		SYS_setns,       SYS_chroot,
		SYS_pivot_root,  SYS_fchmod,
		SYS_fchmodat,    SYS_fchownat,
		SYS_symlinkat,   SYS_truncate,
		SYS_mknodat,     SYS_bpf,
		SYS_seccomp,     SYS_perf_event_open,
		SYS_keyctl,      SYS_process_vm_readv,
		SYS_init_module, SYS_open_by_handle_at,
		SYS_userfaultfd, SYS_personality,
		SYS_setsid,      SYS_sethostname,
		SYS_execve,      SYS_execveat,
	};
	const struct place *place = *state;

	assert_int_equal(inside_fetch(place, SANDBOX_CALLS, start_program, 0), KILLED_BY(SIGSYS));
	assert_int_equal(inside_fetch(place, SANDBOX_CALLS, fork_once, 0), KILLED_BY(SIGSYS));
	assert_int_equal(inside_fetch(place, SANDBOX_CALLS, call, SYS_mkdirat), KILLED_BY(SIGSYS));
	assert_int_equal(inside_fetch(place, SANDBOX_CALLS, call, SYS_getdents64),
			 KILLED_BY(SIGSYS));
	assert_int_equal(inside(place, SANDBOX_CALLS, start_program, 0), KILLED_BY(SIGSYS));
	assert_int_equal(inside(place, SANDBOX_CALLS, fork_once, 0), KILLED_BY(SIGSYS));
	assert_int_equal(inside(place, SANDBOX_CALLS, spawn, 0), KILLED_BY(SIGSYS));
	for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
		if (inside(place, SANDBOX_CALLS, call, calls[i]) != KILLED_BY(SIGSYS))
			fail_msg("system call %ld did not end it", calls[i]);
		if (inside_fetch(place, SANDBOX_CALLS, call, calls[i]) != KILLED_BY(SIGSYS))
			fail_msg("system call %ld did not end fetch", calls[i]);
	}
}

static int signal_itself(const struct place *place, long number)
{
	(void)place;
	return result_of(kill(getpid(), (int)number));
}

/* The sweep asks whether the process of a connection is gone. */
static void it_asks_whether_a_process_exists_and_sends_it_nothing(void **state)
{
	const struct place *place = *state;

	assert_int_equal(inside(place, SANDBOX_CALLS, signal_itself, 0), 0);
	assert_int_equal(inside(place, SANDBOX_CALLS, signal_itself, SIGTERM), KILLED_BY(SIGSYS));
	assert_int_equal(inside(place, SANDBOX_CALLS, signal_itself, SIGKILL), KILLED_BY(SIGSYS));
}

static void a_call_newer_than_the_list_is_one_that_the_kernel_does_not_have(void **state)
{
	static const long io_uring_setup = 425, clone3 = 435, newest = 1000;
	const struct place *place = *state;

	assert_int_equal(inside(place, SANDBOX_CALLS, call, io_uring_setup), ENOSYS);
	assert_int_equal(inside(place, SANDBOX_CALLS, call, clone3), ENOSYS);
	assert_int_equal(inside(place, SANDBOX_CALLS, call, newest), ENOSYS);
}

static int map(const struct place *place, long protection)
{
	return mmap(NULL, 4096, (int)protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
		       ? errno
		       : 0;
}

static int make_executable(const struct place *place, long argument)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return result_of(page == MAP_FAILED ? -1 : mprotect(page, 4096, PROT_READ | PROT_EXEC));
}

/* Part of the C library, and linked to by nobody */
static int load_library(const struct place *place, long argument)
{
	return dlopen("libBrokenLocale.so.1", RTLD_NOW) == NULL ? ENOENT : 0;
}

static void code_comes_from_files_and_not_from_memory_that_can_be_written(void **state)
{
	const struct place *place = *state;

	assert_int_equal(inside(place, SANDBOX_CALLS, map, PROT_READ | PROT_WRITE), 0);
	assert_int_equal(inside(place, SANDBOX_CALLS, map, PROT_READ | PROT_WRITE | PROT_EXEC),
			 KILLED_BY(SIGSYS));
	assert_int_equal(inside(place, SANDBOX_CALLS, map, PROT_EXEC), KILLED_BY(SIGSYS));
	assert_int_equal(inside(place, SANDBOX_CALLS, make_executable, 0), EPERM);
	assert_int_equal(load_library(place, 0), 0);
	assert_int_equal(inside(place, SANDBOX_CALLS | SANDBOX_FILES, load_library, 0), 0);
}

static int write_bytes(const struct place *place, long length)
{
	char path[PATH_MAX + 8];
	_cleanup_free_ char *bytes = calloc(1, (size_t)length);
	_cleanup_close_ int fd = -1;
	ssize_t written;

	snprintf(path, sizeof path, "%s/large", place->ledger);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (bytes == NULL || fd < 0)
		return errno;
	written = write(fd, bytes, (size_t)length);
	if (written == length)
		written = 0;
	else if (written > 0) /* what fits is written, and then nothing is */
		written = write(fd, bytes, 1);
	unlinkat(AT_FDCWD, path, 0);
	return result_of(written);
}

static int open_descriptors(const struct place *place, long count)
{
	while (count-- > 0)
		if (dup(STDERR_FILENO) < 0)
			return errno;
	return 0;
}

static int allocate(const struct place *place, long length)
{
	return map(place, PROT_NONE) != 0 ? errno
	       : mmap(NULL, (size_t)length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		      0) == MAP_FAILED
		       ? errno
		       : 0;
}

static int compute_forever(const struct place *place, long argument)
{
	volatile bool forever = true;

	while (forever)
		;
	return 0;
}

static int leave_a_core(const struct place *place, long argument)
{
	struct rlimit core;

	return getrlimit(RLIMIT_CORE, &core) == 0 ? (int)(core.rlim_max != 0) : errno;
}

static int how_many_more(const struct place *place, long argument)
{
	struct rlimit processes;

	return getrlimit(RLIMIT_NPROC, &processes) == 0 ? (int)(processes.rlim_max != 0) : errno;
}

static void it_cannot_take_more_than_its_bounds(void **state)
{
	const struct place *place = *state;

	assert_int_equal(inside(place, SANDBOX_LIMITS, write_bytes, SANDBOX_FILE_BYTES_MAX), 0);
	assert_int_equal(inside(place, SANDBOX_LIMITS, write_bytes, SANDBOX_FILE_BYTES_MAX + 1),
			 EFBIG);
	assert_int_equal(inside(place, SANDBOX_LIMITS, open_descriptors, 16), 0);
	assert_int_equal(inside(place, SANDBOX_LIMITS, open_descriptors, SANDBOX_DESCRIPTORS_MAX),
			 EMFILE);
	assert_int_equal(inside(place, SANDBOX_LIMITS, allocate, 16 * 1024 * 1024), 0);
#ifndef __SANITIZE_ADDRESS__
	assert_int_equal(inside(place, SANDBOX_LIMITS, allocate, SANDBOX_ADDRESS_SPACE_MAX),
			 ENOMEM);
#endif
	assert_int_equal(inside(place, SANDBOX_LIMITS, leave_a_core, 0), 0);
	assert_int_equal(inside(place, SANDBOX_LIMITS, how_many_more, 0), 0);
	assert_int_equal(inside(place, SANDBOX_LIMITS, compute_forever, 0), KILLED_BY(SIGKILL));
}

static int raise_limit(const struct place *place, long argument)
{
	const struct rlimit more = { 1024, 1024 };

	return result_of(prlimit(0, RLIMIT_NOFILE, &more, NULL));
}

static int read_limit(const struct place *place, long argument)
{
	struct rlimit value;

	return result_of(prlimit(0, RLIMIT_NOFILE, NULL, &value));
}

static void its_bounds_cannot_be_taken_back(void **state)
{
	const struct place *place = *state;

	assert_int_equal(inside(place, SANDBOX_LIMITS | SANDBOX_CALLS, read_limit, 0), 0);
	assert_int_equal(inside(place, SANDBOX_LIMITS | SANDBOX_CALLS, raise_limit, 0),
			 KILLED_BY(SIGSYS));
}

static void *nothing_at_all(void *context)
{
	return context;
}

static int start_thread(const struct place *place, long argument)
{
	pthread_t thread;
	int result = pthread_create(&thread, NULL, nothing_at_all, NULL);

	return result != 0 ? result : pthread_join(thread, NULL);
}

static void threads_are_not_to_be_had(void **state)
{
	assert_int_equal(start_thread(*state, 0), 0);
	assert_int_equal(inside(*state, SANDBOX_CALLS, start_thread, 0), KILLED_BY(SIGSYS));
}

static int status_says(const struct place *place, long seccomp)
{
	_cleanup_close_ int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	char text[4096] = "";

	if (fd < 0 || read(fd, text, sizeof text - 1) <= 0)
		return errno;
	return strstr(text, seccomp ? "\nSeccomp:\t2\n" : "\nNoNewPrivs:\t1\n") == NULL ? EINVAL
											: 0;
}

static void the_kernel_says_that_the_walls_stand(void **state)
{
	assert_int_equal(inside(*state, SANDBOX_PRIVILEGES, status_says, false), 0);
	assert_int_equal(inside(*state, SANDBOX_CALLS, status_says, true), 0);
}

/* From here on, the kernel does not have a call. */
static bool forbid(long number)
{
	struct sock_filter steps[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = { sizeof steps / sizeof steps[0], steps };

	return prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL) == 0 &&
	       syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0U, &filter) == 0;
}

/* In a child that cannot make these calls any more, as if the kernel did not have them */
static unsigned int walls_without(const struct place *place, const long *missing, size_t count)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		for (size_t i = 0; i < count; i++)
			if (!forbid(missing[i]))
				_exit(NO_WALL);
		_exit((int)walls_enter(&place->config, place->ledger));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == NO_WALL)
		skip();
	return (unsigned int)WEXITSTATUS(status);
}

static void where_the_kernel_has_no_such_walls_the_run_goes_on_without(void **state)
{
	static const long landlock[] = { 444, 445, 446 };
	const unsigned int all = walls_without(*state, NULL, 0);

	assert_int_equal(walls_without(*state, landlock, 3),
			 all & ~(unsigned int)(SANDBOX_FILES | SANDBOX_PORTS));
	assert_int_equal(walls_without(*state, (const long[]){ SYS_seccomp }, 1),
			 all & ~(unsigned int)SANDBOX_CALLS);
	assert_int_equal(walls_without(*state, (const long[]){ SYS_prctl }, 1) & SANDBOX_PRIVILEGES,
			 0);
}

int main(void)
{
#define IN_A_PLACE(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)
	const struct CMUnitTest tests[] = {
		IN_A_PLACE(it_reads_what_a_run_needs_and_nothing_else),
		IN_A_PLACE(files_about_names_and_certificates_are_for_those_who_need_them),
		IN_A_PLACE(it_writes_the_ledger_and_nothing_else),
		IN_A_PLACE(the_fetch_program_has_neither_trust_anchors_nor_the_ledger),
		IN_A_PLACE(fetch_connects_to_the_endpoints_port_and_no_other_and_the_agent_to_none),
		IN_A_PLACE(the_port_is_read_from_every_form_of_the_url),
		IN_A_PLACE(the_agent_has_this_machines_sockets_and_fetch_those_of_ip),
		IN_A_PLACE(a_call_that_no_run_needs_ends_it),
		IN_A_PLACE(it_asks_whether_a_process_exists_and_sends_it_nothing),
		IN_A_PLACE(a_call_newer_than_the_list_is_one_that_the_kernel_does_not_have),
		IN_A_PLACE(code_comes_from_files_and_not_from_memory_that_can_be_written),
		IN_A_PLACE(it_cannot_take_more_than_its_bounds),
		IN_A_PLACE(its_bounds_cannot_be_taken_back),
		IN_A_PLACE(threads_are_not_to_be_had),
		IN_A_PLACE(the_kernel_says_that_the_walls_stand),
		IN_A_PLACE(where_the_kernel_has_no_such_walls_the_run_goes_on_without),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
