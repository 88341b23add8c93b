/* SPDX-License-Identifier: Apache-2.0 */
/* One connection as sshd has it, with a fault in one of its three steps: the agent is asked when
 * the key is named and when it is proved, and the PAM session opens. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <security/pam_appl.h>
#include <security/pam_modules.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fault.h"

#define AGENT "/usr/bin/exc-instance-connect"
#define AGENT_USER "exc-instance-connect"
/* What PAM would do besides does not matter. */
#define SERVICE "other"
/* A number that no program comes to by itself, as calls.c lets through what is written to it */
#define CONTROL 1000
#define ANSWER_BYTES_MAX 4096
/* Whoever takes so long hangs. */
#define HANG_SECONDS 20

static const char usage[] =
	"Usage: connection MODULE USER FINGERPRINT TYPE KEY [STEP KIND POINT CHOICE [SHIM]]\n"
	"\n"
	"MODULE is PAM's file, or - where there is none. STEP is offer, proof or session, or ordinary: a session whose key the agent was not asked\n"
	"about. KIND is none, call, calls, kill, memory or memory-gone. SHIM is what to load into\n"
	"the agent for the last two.\n"
	"\n"
	"Prints: in|out SECONDS POINTS loading|running done|last|untouched CALL ERROR, and what was\n"
	"wrong, if anything was: crash SIGNAL, torn, hang.\n";

static const char *const steps[] = { "offer", "proof", "session", "ordinary" };
enum step {
	OFFER,
	PROOF,
	SESSION,
	ORDINARY,
	NO_STEP
};
static const char *const kinds[] = { "none", "call", "calls", "kill", "memory", "memory-gone" };

/* In memory that is shared. */
struct run {
	struct fault fault;
	bool in;
	double seconds; /* of the longest step */
	char wrong[64]; /* what must never be */
};

struct plan {
	struct run *run;
	int memory; /* the descriptor of *run */
	enum step step;
	const char *module, *shim;
	char **key; /* user, fingerprint, type, base64 */
};

static int find(const char *const *names, int count, const char *name)
{
	for (int i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -1;
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void took(struct run *run, double begin)
{
	double seconds = now() - begin;

	if (seconds > run->seconds)
		run->seconds = seconds;
}

static bool is_memory(const struct run *run)
{
	return run->fault.kind == FAULT_MEMORY_ONCE || run->fault.kind == FAULT_MEMORY_GONE;
}

static void become_agent_user(void)
{
	const struct passwd *account = getpwnam(AGENT_USER);

	if (account == NULL || setgroups(0, NULL) != 0 || setgid(account->pw_gid) != 0 ||
	    setuid(account->pw_uid) != 0)
		_exit(127);
}

/* In the child that becomes the agent. */
static void run_agent(const struct plan *plan, int out, bool faulty)
{
	char memory[64], preload[512];
	char *argv[] = { (char *)AGENT, (char *)"authorized-keys",
			 plan->key[0],  plan->key[1],
			 plan->key[2],  plan->key[3],
			 NULL };
	char *with_shim[] = { memory, preload, NULL }, *without[] = { NULL };
	char **environment = without;

	become_agent_user();
	dup2(open("/dev/null", O_RDWR | O_CLOEXEC), STDIN_FILENO);
	dup2(STDIN_FILENO, STDERR_FILENO);
	dup2(out, STDOUT_FILENO);
	snprintf(memory, sizeof memory, FAULT_MEMORY "=%d", plan->memory);
	snprintf(preload, sizeof preload, "LD_PRELOAD=%s", plan->shim);
	if (faulty && is_memory(plan->run)) {
		environment = with_shim;
		fcntl(plan->memory, F_SETFD, 0);
	}
	plan->run->fault.armed = plan->run->fault.loading = faulty;
	if (faulty && !is_memory(plan->run) && plan->run->fault.kind != FAULT_NONE &&
	    !fault_suffer(CONTROL))
		_exit(127);
	execve(AGENT, argv, environment);
	_exit(127);
}

/* Read all that it says. */
static void gather(int fd, char text[ANSWER_BYTES_MAX])
{
	size_t length = 0;
	ssize_t got;

	while ((got = read(fd, text + length, ANSWER_BYTES_MAX - 1 - length)) > 0)
		length += (size_t)got;
	text[length] = '\0';
}

/* Does sshd take the key? It does not if the command failed, whatever it has printed. */
static bool ask(const struct plan *plan, enum step step)
{
	const bool faulty = plan->step == step;
	char text[ANSWER_BYTES_MAX], expected[ANSWER_BYTES_MAX];
	double begin = now();
	int ends[2], status;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return false;
	pid = fork();
	if (pid == 0)
		run_agent(plan, ends[1], faulty);
	close(ends[1]);
	gather(ends[0], text);
	close(ends[0]);
	waitpid(pid, &status, 0);
	plan->run->fault.armed = false;
	took(plan->run, begin);
	snprintf(expected, sizeof expected, "%s %s\n", plan->key[2], plan->key[3]);
	if (text[0] != '\0' && strcmp(text, expected) != 0)
		snprintf(plan->run->wrong, sizeof plan->run->wrong, "torn");
	if (WIFSIGNALED(status) && !(faulty && plan->run->fault.kind == FAULT_KILL))
		snprintf(plan->run->wrong, sizeof plan->run->wrong, "crash %d", WTERMSIG(status));
	return strcmp(text, expected) == 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int say_nothing(int count, const struct pam_message **messages,
		       struct pam_response **responses, void *context)
{
	(void)messages;
	(void)context;
	*responses = calloc((size_t)count, sizeof **responses);
	return *responses == NULL ? PAM_BUF_ERR : PAM_SUCCESS;
}

typedef int session_opener(pam_handle_t *, int, int, const char **);

/* As libpam loads it, before the first question, while it has the service's file open. NULL if it
 * cannot be loaded. */
static session_opener *load_module(const char *path)
{
	const int service = open("/etc/pam.d/sshd", O_RDONLY | O_CLOEXEC);
	void *library = dlopen(path, RTLD_NOW);
	session_opener *open_session = NULL;

	close(service);
	if (library != NULL)
		*(void **)&open_session = dlsym(library, "pam_sm_open_session");
	return open_session;
}

static bool open_session(const struct plan *plan, session_opener *open_session)
{
	const struct pam_conv conversation = { .conv = say_nothing };
	struct fault *fault = &plan->run->fault;
	const bool faulty = plan->step == SESSION || plan->step == ORDINARY;
	char auth_info[ANSWER_BYTES_MAX];
	pam_handle_t *pamh;
	double begin;
	int result;

	snprintf(auth_info, sizeof auth_info, "SSH_AUTH_INFO_0=publickey %s %s", plan->key[2],
		 plan->key[3]);
	if (open_session == NULL ||
	    pam_start(SERVICE, plan->key[0], &conversation, &pamh) != PAM_SUCCESS ||
	    pam_set_item(pamh, PAM_RHOST, "192.0.2.1") != PAM_SUCCESS ||
	    pam_putenv(pamh, auth_info) != PAM_SUCCESS)
		return false;
	if (faulty && is_memory(plan->run))
		fault_allocations(fault);
	else if (faulty && fault->kind != FAULT_NONE && !fault_suffer(CONTROL))
		return false;
	begin = now();
	fault->armed = faulty;
	result = open_session(pamh, 0, 0, NULL);
	fault->armed = false;
	took(plan->run, begin);
	return result == PAM_SUCCESS || result == PAM_IGNORE;
}

/* In the process that is the connection. */
static void connect_as_sshd(const struct plan *plan)
{
	const bool has_module = strcmp(plan->module, "-") != 0;
	session_opener *opener;

	prctl(PR_SET_NAME, "sshd-session", 0UL, 0UL, 0UL);
	getpwnam(plan->key[0]); /* sshd has looked for it, so that NSS has loaded what it needs */
	alarm(HANG_SECONDS);
	opener = has_module ? load_module(plan->module) : NULL;
	plan->run->in = (plan->step == ORDINARY || (ask(plan, OFFER) && ask(plan, PROOF))) &&
			(!has_module || open_session(plan, opener));
	/* Nothing is left to do, and exit handlers would be counted. */
	_exit(0);
}

static void print(const struct run *run)
{
	const struct fault *fault = &run->fault;
	char text[16];

	printf("%s %.3f %u %s %s %s %s %s\n", run->in ? "in" : "out", run->seconds, fault->points,
	       fault->done_loading ? "loading" : "running",
	       !fault->done         ? "untouched"
	       : fault->last_choice ? "last"
				    : "done",
	       fault->done && !is_memory(run) ? fault_call_name(fault->call, text) : "-",
	       fault->error == 0 ? "-" : strerrorname_np(fault->error), run->wrong);
}

static bool read_plan(struct plan *plan, int argc, char **argv)
{
	int step = argc < 10 ? NO_STEP : find(steps, NO_STEP, argv[6]);
	int kind = argc < 10 ? FAULT_NONE : find(kinds, FAULT_MEMORY_GONE + 1, argv[7]);

	if ((argc != 6 && argc != 10 && argc != 11) || step < 0 || kind < 0)
		return false;
	plan->memory = memfd_create("fault", MFD_CLOEXEC);
	if (plan->memory < 0 || ftruncate(plan->memory, sizeof *plan->run) != 0)
		return false;
	plan->run =
		mmap(NULL, sizeof *plan->run, PROT_READ | PROT_WRITE, MAP_SHARED, plan->memory, 0);
	plan->module = argv[1];
	plan->key = argv + 2;
	plan->step = (enum step)step;
	plan->shim = argc == 11 ? argv[10] : "";
	plan->run->fault.kind = (enum fault_kind)kind;
	plan->run->fault.at = argc < 10 ? 0 : (unsigned int)atoi(argv[8]);
	plan->run->fault.choice = argc < 10 ? 0 : (unsigned int)atoi(argv[9]);
	return plan->run != MAP_FAILED;
}

int main(int argc, char **argv)
{
	struct plan plan;
	int ends[2], status;
	pid_t pid;

	if (!read_plan(&plan, argc, argv) || pipe2(ends, O_CLOEXEC) != 0) {
		fputs(usage, stderr);
		return 2;
	}
	pid = fork();
	if (pid == 0) {
		dup3(ends[1], CONTROL, O_CLOEXEC);
		close(ends[0]);
		close(ends[1]);
		connect_as_sshd(&plan);
	}
	close(ends[1]);
	fault_serve(ends[0], &plan.run->fault);
	waitpid(pid, &status, 0);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		snprintf(plan.run->wrong, sizeof plan.run->wrong, "hang");
	else if (WIFSIGNALED(status) && plan.run->fault.kind != FAULT_KILL)
		snprintf(plan.run->wrong, sizeof plan.run->wrong, "crash %d", WTERMSIG(status));
	print(plan.run);
	return 0;
}
