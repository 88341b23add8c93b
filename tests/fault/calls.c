/* SPDX-License-Identifier: Apache-2.0 */
/* Let one system call fail, or kill the process before it (seccomp_unotify(2)). */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "fault.h"

/* Programs that are not ours, started by ours, in one run */
#define FOREIGN_MAX 16
/* Errors that one call is tried with */
#define ERRORS_MAX 5

#define CONFIGURATION "/etc/exc-instance-connect/agent.conf"

#define FILES EACCES, EIO, EMFILE, ENOMEM, ENOSPC
#define NAMES EACCES, EIO, ENOMEM, ENOSPC
#define LOOKS EACCES, EIO, ENOMEM
#define BYTES_IN EIO, ENOMEM
#define BYTES_OUT ENOSPC, EIO, ENOMEM
#define DESCRIPTORS EMFILE, ENOMEM, EACCES
#define NETWORK EACCES, EIO, ENOMEM
#define MEMORY ENOMEM
#define NEVER 0

/* Which errors make sense where. What is not here fails with ENOMEM. */
static const struct kind {
	int call;
	const char *name;
	int errors[ERRORS_MAX];
} kinds[] = {
#define CALL(name, ...)                                                                            \
	{                                                                                          \
		SYS_##name, #name,                                                                 \
		{                                                                                  \
			__VA_ARGS__                                                                \
		}                                                                                  \
	}
	CALL(openat, FILES),
	CALL(mkdirat, NAMES),
	CALL(linkat, NAMES),
	CALL(unlinkat, NAMES),
	CALL(renameat, NAMES),
	CALL(utimensat, NAMES),
	CALL(fchown, NAMES),
	CALL(fsync, BYTES_OUT),
	CALL(fstat, LOOKS),
	CALL(newfstatat, LOOKS),
	CALL(faccessat, LOOKS),
	CALL(readlinkat, LOOKS),
	CALL(lseek, LOOKS),
	CALL(getdents64, BYTES_IN),
	CALL(read, BYTES_IN),
	CALL(pread64, BYTES_IN),
	CALL(readv, BYTES_IN),
	CALL(write, BYTES_OUT),
	CALL(writev, BYTES_OUT),
	CALL(close, EIO),
	CALL(socket, DESCRIPTORS),
	CALL(pipe2, DESCRIPTORS),
	CALL(dup, DESCRIPTORS),
	CALL(fcntl, DESCRIPTORS),
	CALL(epoll_create1, DESCRIPTORS),
	CALL(eventfd2, DESCRIPTORS),
	CALL(timerfd_create, DESCRIPTORS),
	CALL(memfd_create, DESCRIPTORS),
	CALL(connect, NETWORK),
	CALL(sendto, NETWORK),
	CALL(sendmsg, NETWORK),
	CALL(recvfrom, NETWORK),
	CALL(recvmsg, NETWORK),
	CALL(getsockopt, NETWORK),
	CALL(setsockopt, NETWORK),
	CALL(getsockname, NETWORK),
	CALL(execve, LOOKS),
	CALL(ioctl, EIO),
	CALL(getrandom, EAGAIN, EIO),
	CALL(wait4, ECHILD),
	CALL(clone, EAGAIN, ENOMEM),
	CALL(epoll_pwait, EIO, ENOMEM),
	CALL(ppoll, EIO, ENOMEM),
	CALL(mmap, MEMORY),
	CALL(munmap, MEMORY),
	CALL(mprotect, MEMORY),
	CALL(brk, MEMORY),
	CALL(futex, NEVER),
	CALL(exit, NEVER),
	CALL(exit_group, NEVER),
	CALL(getpid, NEVER),
	CALL(getppid, NEVER),
	CALL(gettid, NEVER),
	CALL(getuid, NEVER),
	CALL(geteuid, NEVER),
	CALL(getgid, NEVER),
	CALL(getegid, NEVER),
	CALL(rt_sigreturn, NEVER),
	CALL(prctl, EACCES, ENOMEM),
	CALL(seccomp, EACCES, ENOMEM),
	CALL(rt_sigaction, MEMORY),
	CALL(rt_sigprocmask, MEMORY),
	CALL(setitimer, MEMORY),
	CALL(prlimit64, MEMORY),
	CALL(set_tid_address, NEVER),
	CALL(set_robust_list, MEMORY),
#ifdef SYS_open /* what only older architectures have */
	CALL(open, FILES),
	CALL(stat, LOOKS),
	CALL(access, LOOKS),
	CALL(readlink, LOOKS),
	CALL(poll, EIO, ENOMEM),
	CALL(epoll_wait, EIO, ENOMEM),
	CALL(vfork, EAGAIN, ENOMEM),
	CALL(arch_prctl, MEMORY),
#endif
#ifdef SYS_rseq
	CALL(rseq, MEMORY),
#endif
#ifdef SYS_clone3
	CALL(clone3, EAGAIN, ENOMEM),
#endif
#undef CALL
};

static const struct kind *find_kind(int call)
{
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		if (kinds[i].call == call)
			return &kinds[i];
	return NULL;
}

const char *fault_call_name(int call, char text[16])
{
	const struct kind *kind = find_kind(call);

	snprintf(text, 16, "%d", call);
	return kind == NULL ? text : kind->name;
}

/* What runs out stays so: descriptors, space, and memory where calls are for nothing else. */
static bool runs_out(const struct kind *kind, int error)
{
	return error == EMFILE || error == ENOSPC || kind->errors[0] == ENOMEM;
}

/* The errno of this choice, which begins anew after the last; 0 when there is none. */
static int choose_error(const struct fault *fault, int call, bool *last)
{
	static const struct kind other = { .errors = { MEMORY } };
	const struct kind *kind = find_kind(call);
	int fit[ERRORS_MAX];
	unsigned int count = 0;

	kind = kind == NULL ? &other : kind;
	for (unsigned int i = 0; i < ERRORS_MAX && kind->errors[i] != 0; i++)
		if (fault->kind == FAULT_CALL || runs_out(kind, kind->errors[i]))
			fit[count++] = kind->errors[i];
	*last = fault->choice + 1 >= count;
	return count == 0 ? 0 : fit[fault->choice % count];
}

bool fault_suffer(int control)
{
	/* All but the one write below wait. */
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)control, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
	};
	const struct sock_fprog filter = { .len = sizeof code / sizeof code[0], .filter = code };
	int told[2] = { getpid(), -1 };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL) != 0)
		return false;
	told[1] = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
			       SECCOMP_FILTER_FLAG_NEW_LISTENER, &filter);
	return told[1] >= 0 && write(control, told, sizeof told) == sizeof told;
}

/* Take the listener out of the process that has made it. */
static int take_listener(const int told[2])
{
	int process = (int)syscall(SYS_pidfd_open, told[0], 0U);
	int listener = (int)syscall(SYS_pidfd_getfd, process, told[1], 0U);

	close(process);
	return listener;
}

/* A program that one of ours has started counts no more. The first start is that of ours. */
static bool is_foreign(pid_t pid, const struct seccomp_notif *call, unsigned int points)
{
	static pid_t foreign[FOREIGN_MAX];
	static unsigned int count;

	for (unsigned int i = 0; i < count; i++)
		if (foreign[i] == pid)
			return true;
	if (call->data.nr == SYS_execve && points > 0 && count < FOREIGN_MAX)
		foreign[count++] = pid;
	return false;
}

/* The agent's own first call */
static bool opens_configuration(const struct seccomp_notif *call)
{
	char path[sizeof CONFIGURATION] = "";
	struct iovec here = { .iov_base = path, .iov_len = sizeof path };
	struct iovec there = { .iov_base = (void *)(uintptr_t)call->data.args[1],
			       .iov_len = sizeof path };

	return call->data.nr == SYS_openat &&
	       process_vm_readv((pid_t)call->pid, &here, 1, &there, 1, 0) > 0 &&
	       memcmp(path, CONFIGURATION, sizeof path) == 0;
}

/* What becomes of one call */
static void judge(struct fault *fault, const struct seccomp_notif *call,
		  struct seccomp_notif_resp *answer)
{
	const bool counted = fault->armed && !is_foreign((pid_t)call->pid, call, fault->points);
	const bool again =
		fault->kind == FAULT_CALLS && fault->done && call->data.nr == fault->call;

	if (fault->loading && opens_configuration(call))
		fault->loading = false;
	answer->id = call->id;
	answer->flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	if (!counted || (++fault->points != fault->at && !again))
		return;
	if (!again)
		fault->done_loading = fault->loading;
	fault->done = true;
	fault->call = call->data.nr;
	if (fault->kind == FAULT_KILL) {
		fault->last_choice = true;
		kill((pid_t)call->pid, SIGKILL);
		return;
	}
	if (!again)
		fault->error = choose_error(fault, call->data.nr, &fault->last_choice);
	if (fault->error == 0)
		return;
	answer->flags = 0;
	/* This one says by its result that nothing has changed, and the C library then asks again.
	 */
	if (call->data.nr != SYS_brk)
		answer->error = -fault->error;
}

static void answer_call(int listener, struct fault *fault)
{
	/* Larger than these structures may become */
	union {
		struct seccomp_notif call;
		char room[512];
	} request;
	union {
		struct seccomp_notif_resp answer;
		char room[512];
	} response;

	memset(&request, 0, sizeof request);
	memset(&response, 0, sizeof response);
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &request.call) != 0)
		return;
	judge(fault, &request.call, &response.answer);
	ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response.answer);
}

void fault_serve(int control, struct fault *fault)
{
	struct pollfd ready[2] = { { .fd = control, .events = POLLIN },
				   { .fd = -1, .events = POLLIN } };

	for (;;) {
		int told[2];

		if (poll(ready, 2, -1) < 0)
			continue;
		if ((ready[1].revents & POLLIN) != 0)
			answer_call(ready[1].fd, fault);
		else if (ready[1].revents != 0) {
			close(ready[1].fd); /* nobody is left who could call */
			ready[1].fd = -1;
		}
		if (ready[0].revents == 0)
			continue;
		if (read(control, told, sizeof told) != sizeof told)
			return;
		ready[1].fd = take_listener(told);
	}
}
