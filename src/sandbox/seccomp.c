/* SPDX-License-Identifier: Apache-2.0 */
/* The wall around system calls: seccomp (seccomp(2)).
 *
 * Allowed are the calls seen in runs under the C libraries of Debian 11, 12, 13 and testing: of the
 * agent, which has files, and of the fetch program, which has the network. Everything else kills
 * the process, except
 *  - calls newer than Linux 5.1: they fail as in a kernel that does not have them (ENOSYS). Newer
 *    C libraries try those first, and then what is in the list;
 *  - what libraries try and can do without: it fails. */
#include "sandbox/seccomp.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>

#ifdef HAVE_SECCOMP
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

/* Argument offsets are those of these 64-bit little-endian architectures. */
#if defined HAVE_SECCOMP && defined __x86_64__ && !defined __ILP32__
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined HAVE_SECCOMP && defined __aarch64__ && defined __AARCH64EL__
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#elif defined HAVE_SECCOMP && defined __riscv && __riscv_xlen == 64
#define ARCHITECTURE AUDIT_ARCH_RISCV64
#endif

#ifdef ARCHITECTURE

/* From here on, numbers are the same on all architectures: Linux 5.1 */
#define NEWER_CALLS 424

#define STEP(code, value) BPF_STMT((code), (uint32_t)(value))
#define JUMP(code, value, yes, no) BPF_JUMP(BPF_JMP | (code) | BPF_K, (uint32_t)(value), yes, no)
#define LOAD(field) STEP(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define ARGUMENT(i) LOAD(args[i])
/* The upper half of an argument */
#define ARGUMENT_TOP(i)                                                                            \
	STEP(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[i]) + sizeof(uint32_t))
#define RETURN(value) STEP(BPF_RET | BPF_K, value)
#define ALLOW RETURN(SECCOMP_RET_ALLOW)
#define FAIL(code) RETURN(SECCOMP_RET_ERRNO | (code))
#define END RETURN(SECCOMP_RET_KILL_PROCESS)

/* What happens to a call */
struct verdict {
	unsigned short length;
	struct sock_filter code[8];
};

/* What libraries ask for at start, but do not need */
static const struct verdict not_permitted = { 1, { FAIL(EPERM) } };

/* The journal, or syslog */
static const struct verdict local_family = {
	4, { ARGUMENT(0), JUMP(BPF_JEQ, AF_UNIX, 1, 0), FAIL(EAFNOSUPPORT), ALLOW }
};

/* The endpoint */
static const struct verdict network_family = { 5,
					       { ARGUMENT(0), JUMP(BPF_JEQ, AF_INET, 2, 0),
						 JUMP(BPF_JEQ, AF_INET6, 1, 0), FAIL(EAFNOSUPPORT),
						 ALLOW } };

/* Bytes available, non-blocking mode, is it a terminal */
static const struct verdict by_request = { 6,
					   { ARGUMENT(1), JUMP(BPF_JEQ, FIONREAD, 3, 0),
					     JUMP(BPF_JEQ, FIONBIO, 2, 0),
					     JUMP(BPF_JEQ, TCGETS, 1, 0), FAIL(ENOTTY), ALLOW } };

/* Code comes from files (libraries loaded late), never from writable memory. */
static const struct verdict no_written_code = {
	7,
	{ ARGUMENT(2), JUMP(BPF_JSET, PROT_EXEC, 0, 3), JUMP(BPF_JSET, PROT_WRITE, 3, 0),
	  ARGUMENT(3), JUMP(BPF_JSET, MAP_ANONYMOUS, 1, 0), ALLOW, END }
};

/* The linker on 64-bit ARM tries this on its libraries, and can do without. */
static const struct verdict no_new_code = {
	4, { ARGUMENT(2), JUMP(BPF_JSET, PROT_EXEC, 0, 1), FAIL(EPERM), ALLOW }
};

/* Limits are read, not set. */
static const struct verdict no_new_value = { 6,
					     { ARGUMENT(2), JUMP(BPF_JEQ, 0, 0, 2), ARGUMENT_TOP(2),
					       JUMP(BPF_JEQ, 0, 1, 0), END, ALLOW } };

/* Signal 0, which only asks whether a process exists */
static const struct verdict no_signal = { 6,
					  { ARGUMENT(1), JUMP(BPF_JEQ, 0, 0, 2), ARGUMENT_TOP(1),
					    JUMP(BPF_JEQ, 0, 1, 0), END, ALLOW } };

/* Files are opened to be read. Without Landlock, another process's output could be opened, and
 * written to, through /proc/PID/fd, and its memory through /proc/PID/mem. */
static const struct verdict only_reading = {
	4, { ARGUMENT(2), JUMP(BPF_JSET, O_ACCMODE | O_CREAT | O_TRUNC, 0, 1), FAIL(EACCES), ALLOW }
};

/* Calls that depend on their arguments, or fail */
struct particular {
	unsigned int call;
	const struct verdict *verdict;
};
static const struct particular particulars[] = {
	{ __NR_mmap, &no_written_code }, { __NR_mprotect, &no_new_code },
	{ __NR_ioctl, &by_request },     { __NR_prlimit64, &no_new_value },
	{ __NR_prctl, &not_permitted },  { __NR_kill, &no_signal },
};
static const struct particular local_sockets = { __NR_socket, &local_family };
static const struct particular network_sockets = { __NR_socket, &network_family };
static const struct particular reading = { __NR_openat, &only_reading };

/* Calls that are allowed whatever their arguments are */
static const unsigned int common_calls[] = {
	/* Files */
	__NR_openat,
	__NR_close,
	__NR_read,
	__NR_readv,
	__NR_pread64,
	__NR_write,
	__NR_writev,
	__NR_lseek,
	__NR_fstat,
#ifdef __NR_newfstatat
	__NR_newfstatat,
#endif
#ifdef __NR_stat /* Debian 11 */
	__NR_stat,
	__NR_lstat,
	__NR_access,
	__NR_readlink,
#endif
	__NR_statx,
	__NR_statfs,
	__NR_fstatfs,
	__NR_faccessat,
	__NR_readlinkat,
	__NR_fcntl,
	/* Memory, and libraries */
	__NR_brk,
	__NR_mremap,
	__NR_munmap,
	__NR_madvise,
	/* Sockets, of the families above */
	__NR_connect,
	__NR_getsockname,
	__NR_getpeername,
	__NR_getsockopt,
	__NR_setsockopt,
	__NR_sendto,
	__NR_sendmsg,
	__NR_recvfrom,
	__NR_recvmsg,
	/* Waiting */
	__NR_ppoll,
#ifdef __NR_poll
	__NR_poll,
#endif
	__NR_nanosleep,
	__NR_clock_nanosleep,
	/* Locks: there are no threads */
	__NR_futex,
	__NR_sched_getaffinity,
	__NR_sched_yield,
	/* Signals to itself: the watchdog */
	__NR_rt_sigaction,
	__NR_rt_sigprocmask,
	__NR_rt_sigreturn,
	__NR_restart_syscall,
#ifdef __SANITIZE_ADDRESS__
	__NR_sigaltstack,
#endif
	/* Who and when */
	__NR_getpid,
	__NR_gettid,
	__NR_getppid,
	__NR_getuid,
	__NR_geteuid,
	__NR_getgid,
	__NR_getegid,
	__NR_uname,
	__NR_sysinfo,
	__NR_clock_gettime,
	__NR_clock_getres,
	__NR_gettimeofday,
#ifdef __NR_time
	__NR_time,
#endif
	__NR_getrandom,
	__NR_exit_group,
};

static const unsigned int agent_calls[] = {
	/* Trust anchors, and the ledger */
	__NR_getdents64,
	__NR_dup,
	__NR_flock,
	__NR_mkdirat,
	__NR_linkat,
#ifdef __NR_renameat
	__NR_renameat,
#endif
	__NR_renameat2,
	__NR_unlinkat,
	__NR_utimensat,
	/* The journal gets long entries as files in memory. */
	__NR_memfd_create,
	/* The end of the fetch program */
	__NR_wait4,
};

static const unsigned int fetch_calls[] = {
	/* libcurl can wake up a transfer that waits. */
	__NR_socketpair, __NR_pipe2,   __NR_eventfd2,
#ifdef __NR_pipe
	__NR_pipe,       __NR_eventfd,
#endif
	__NR_shutdown,
};

#define COUNT(list) (sizeof(list) / sizeof(list)[0])
#define WORD_BITS 32
#define WORDS (NEWER_CALLS / WORD_BITS + 1)
/* Instructions: fixed ones, for each special call, and for each word of the set */
#define STEPS_MAX (16 + (COUNT(particulars) + 2) * 9 + WORDS * 3)

struct program {
	unsigned short length;
	struct sock_filter steps[STEPS_MAX];
};

static void program_add(struct program *program, const struct sock_filter *steps, size_t count)
{
	memcpy(program->steps + program->length, steps, count * sizeof *steps);
	program->length = (unsigned short)(program->length + count);
}

static void add_particular(struct program *program, const struct particular *particular)
{
	const struct verdict *verdict = particular->verdict;
	const struct sock_filter is_it = JUMP(BPF_JEQ, particular->call, 0, verdict->length);

	program_add(program, &is_it, 1);
	program_add(program, verdict->code, verdict->length);
}

/* Is the call's bit set? There is a step for each word that the bit may be in, and one for the bit.
 * A step for each call would be simpler, but the kernel, when it loads a filter, runs it once for
 * each existing call: that takes a tenth of the agent's run time. */
static void add_lists(struct program *program, const unsigned int *calls, size_t count)
{
	static const struct sock_filter number_of_word = STEP(BPF_ALU | BPF_RSH | BPF_K, 5);
	static const struct sock_filter end[] = {
		END, STEP(BPF_ALU | BPF_RSH | BPF_X, 0), JUMP(BPF_JSET, 1, 0, 1), ALLOW, END,
	};
	uint32_t set[WORDS] = { 0 };

	for (size_t i = 0; i < COUNT(common_calls); i++)
		set[common_calls[i] / WORD_BITS] |= 1U << common_calls[i] % WORD_BITS;
	for (size_t i = 0; i < count; i++)
		set[calls[i] / WORD_BITS] |= 1U << calls[i] % WORD_BITS;
	program_add(program, &number_of_word, 1);
	for (unsigned int word = 0; word < WORDS; word++) {
		const struct sock_filter steps[] = {
			JUMP(BPF_JEQ, word, 0, 2),
			STEP(BPF_LD | BPF_IMM, set[word]),
			/* Skip the words that follow, and one more END */
			JUMP(BPF_JA, 3 * (WORDS - 1 - word) + 1, 0, 0),
		};

		program_add(program, steps, COUNT(steps));
	}
	program_add(program, end, COUNT(end));
}

bool sandbox_seccomp(bool network)
{
	static const struct sock_filter start[] = {
		LOAD(arch),
		JUMP(BPF_JEQ, ARCHITECTURE, 1, 0),
		END,
		/* The call's place in its word, for add_lists() */
		LOAD(nr),
		STEP(BPF_ALU | BPF_AND | BPF_K, WORD_BITS - 1),
		STEP(BPF_MISC | BPF_TAX, 0),
		LOAD(nr),
		JUMP(BPF_JGE, NEWER_CALLS, 0, 1),
		FAIL(ENOSYS),
	};
	struct program program = { .length = 0 };
	struct sock_fprog filter = { .filter = program.steps };

	program_add(&program, start, COUNT(start));
	for (size_t i = 0; i < COUNT(particulars); i++)
		add_particular(&program, &particulars[i]);
	add_particular(&program, network ? &network_sockets : &local_sockets);
	if (network) {
		add_particular(&program, &reading);
		add_lists(&program, fetch_calls, COUNT(fetch_calls));
	} else {
		add_lists(&program, agent_calls, COUNT(agent_calls));
	}
	filter.len = program.length;
	/* Some kernels slow down every process under a filter; prevent that: nothing here runs
	 * foreign code. */
	return syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW,
		       &filter) == 0 ||
	       syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, 0U, &filter) == 0;
}

#else

bool sandbox_seccomp(bool network)
{
	(void)network;
	errno = ENOSYS;
	return false;
}

#endif
