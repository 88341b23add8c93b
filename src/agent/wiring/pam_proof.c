/* SPDX-License-Identifier: Apache-2.0 */
/* Does sshd's PAM stack surely run our module? Ask, and leave the proof for the module. */
#include "agent/wiring/pam_proof.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "agent/wiring/pam_service.h"
#include "agent/wiring/pam_stack.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "ledger/paths.h"
#include "ledger/stack_proof.h"

#define PATH_SIZE 512
/* A file's time is as coarse as the kernel's tick, 10 ms at most: one that changed longer ago than
 * this has another time when it changes again. */
#define SETTLED_MS 50
#define SETTLE_TRIES 5

/* The proof as it grows */
struct proof {
	char text[STACK_PROOF_BYTES_MAX];
	size_t length;
	int64_t newest; /* ctime */
	int error; /* 0, or why it could not be made */
};

DEFINE_CLEANUP(DIR, closedir);

/* One line for each file, however many services include it. */
static void add_file(void *context, const char *path)
{
	struct proof *proof = context;
	struct stack_file file;
	char line[STACK_PROOF_PATH_SIZE + 80];
	int length;

	if (proof->error != 0)
		return;
	if (!stack_file_look(path, &file)) {
		proof->error = errno;
		return;
	}
	length = stack_proof_print(&file, line, sizeof line);
	if (length < 0 ||
	    proof->length + (size_t)length + sizeof STACK_PROOF_END > sizeof proof->text) {
		proof->error = EFBIG;
		return;
	}
	if (strstr(proof->text, line) != NULL)
		return;
	memcpy(proof->text + proof->length, line, (size_t)length + 1);
	proof->length += (size_t)length;
	if (file.changed > proof->newest)
		proof->newest = file.changed;
}

/* Is this a file that could be a service's? Editors' and dpkg's leftovers are, if somebody names
 * them. */
static bool is_service(const char *folder, const char *name)
{
	char path[PATH_SIZE];
	struct stat status;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	return name[0] != '.' && stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

/* Every service of one directory. True if each that names our module runs it; *named counts them.
 */
static bool add_folder(const char *const *directories, const char *folder, struct proof *proof,
		       unsigned int *named, char *why, size_t size)
{
	_cleanup_(cleanup_closedir) DIR *stream = opendir(folder);
	const struct dirent *entry;

	if (stream == NULL)
		return errno == ENOENT || file_say_errno(why, size, folder);
	add_file(proof, folder);
	while ((entry = readdir(stream)) != NULL) {
		enum pam_service_verdict verdict;

		if (!is_service(folder, entry->d_name))
			continue;
		verdict =
			pam_service_examine(directories, entry->d_name, add_file, proof, why, size);
		if (verdict == PAM_SERVICE_PERHAPS)
			return false;
		*named += verdict == PAM_SERVICE_RUNS;
	}
	return true;
}

/* Make the proof from what is there now. */
static bool make(const char *const *directories, struct proof *proof, char *why, size_t size)
{
	unsigned int named = 0;
	int length;

	memset(proof, 0, sizeof *proof);
	length = stack_proof_print_start(proof->text, sizeof proof->text);
	proof->length = length < 0 ? 0 : (size_t)length;
	for (const char *const *folder = directories; *folder != NULL; folder++)
		if (!add_folder(directories, *folder, proof, &named, why, size))
			return false;
	if (proof->error != 0)
		snprintf(why, size, "PAM's files: %s", strerror(proof->error));
	else if (named == 0)
		snprintf(why, size, "no PAM service names our module");
	if (proof->error != 0 || named == 0)
		return false;
	memcpy(proof->text + proof->length, STACK_PROOF_END, sizeof STACK_PROOF_END);
	proof->length += strlen(STACK_PROOF_END);
	return true;
}

/* Has so much time passed since the newest change that a further one would show? */
static bool is_settled(const struct proof *proof)
{
	const int64_t now = clock_realtime_ns();

	return now - proof->newest > SETTLED_MS * (int64_t)(CLOCK_NS_PER_SECOND / 1000) ||
	       now < proof->newest; /* the clock was set back */
}

bool pam_proof_make(const char *const *directories, const char *path, char *why, size_t size)
{
	const struct timespec pause = { .tv_nsec = SETTLED_MS * 1000000L };
	struct proof proof;

	if (stack_proof_holds(path))
		return true;
	for (int try = 0; try < SETTLE_TRIES; try++) {
		if (!make(directories, &proof, why, size)) {
			file_remove(path);
			return false;
		}
		if (is_settled(&proof))
			return file_replace(path, proof.text, proof.length) ||
			       file_say_errno(why, size, path);
		nanosleep(&pause, NULL);
	}
	snprintf(why, size, "PAM's files keep changing");
	file_remove(path);
	return false;
}

bool pam_proof_sshd_is_new(const struct sshd_effective *effective, char *why, size_t size)
{
	char expose[SSHD_VALUE_SIZE];

	/* The keyword is as old as SSH_AUTH_INFO_0. */
	sshd_value(effective, "exposeauthinfo", expose);
	if (expose[0] != '\0')
		return true;
	snprintf(why, size, "this sshd is older than OpenSSH 7.6 and does not tell PAM the key");
	return false;
}

bool pam_proof_for_sshd(const struct sshd_effective *effective, char *why, size_t size)
{
	char use_pam[SSHD_VALUE_SIZE], service[SSHD_VALUE_SIZE], module[PAM_STACK_PATH_SIZE];

	/* Such an sshd loads the module, which then finds no key that it could spend. */
	if (!pam_proof_sshd_is_new(effective, why, size)) {
		file_remove(PAM_WIRED_FILE);
		return false;
	}
	if (!pam_proof_make(pam_service_directories, PAM_WIRED_FILE, why, size) ||
	    !pam_stack_find_module(module, why, size))
		return false;
	sshd_value(effective, "usepam", use_pam);
	if (strcmp(use_pam, "yes") != 0) {
		snprintf(why, size, "sshd has UsePAM no");
		return false;
	}
	/* Since OpenSSH 9.8 */
	sshd_value(effective, "pamservicename", service);
	if (service[0] == '\0')
		snprintf(service, sizeof service, "sshd");
	return pam_service_examine(pam_service_directories, service, NULL, NULL, why, size) ==
	       PAM_SERVICE_RUNS;
}
