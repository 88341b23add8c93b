/* SPDX-License-Identifier: Apache-2.0 */
/* report: send the receipts of used keys to the metadata endpoint, and remove those that it
 * accepted; or all of them, if the provider accepts none. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>

#include "agent/commands.h"
#include "agent/config/config.h"
#include "ledger/paths.h"
#include "agent/provider/provider.h"
#include "agent/report/retry.h"
#include "base/json.h"

/* Receipts in one request; the rest goes with the next. */
#define RECEIPTS_PER_REQUEST_MAX 64
/* Requests of one run */
#define REQUESTS_MAX 64
#define RECEIPT_FILE_BYTES_MAX 2048
/* How long to wait for another run, longer than timeout_ms may be, and how often to check */
#define LOCK_WAIT_MS 30000
#define LOCK_PAUSE_MS 20

DEFINE_CLEANUP(DIR, closedir);

struct batch {
	cJSON *receipts; /* owned by the document */
	unsigned int count;
	char names[RECEIPTS_PER_REQUEST_MAX][NAME_MAX + 1];
};

static bool is_receipt(const char *name)
{
	size_t length = strlen(name);

	return name[0] != '.' && length > 5 && strcmp(name + length - 5, ".json") == 0;
}

/* Read one receipt. NULL, with a message on stderr, if it is not one. */
static cJSON *read_receipt(int folder, const char *name)
{
	_cleanup_close_ int fd =
		openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char text[RECEIPT_FILE_BYTES_MAX];
	ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof text);
	cJSON *receipt = NULL;

	if (length < 0 || json_parse(text, (size_t)length, &receipt) != JSON_OK)
		fprintf(stderr, "exc-instance-connect: %s is not a receipt; it was not sent\n",
			name);
	return receipt;
}

/* Collect up to RECEIPTS_PER_REQUEST_MAX receipts from one directory. */
static void gather(DIR *folder, struct batch *batch)
{
	const struct dirent *entry;

	while (batch->count < RECEIPTS_PER_REQUEST_MAX && (entry = readdir(folder)) != NULL) {
		cJSON *receipt;

		if (!is_receipt(entry->d_name))
			continue;
		receipt = read_receipt(dirfd(folder), entry->d_name);
		if (receipt == NULL)
			continue;
		cJSON_AddItemToArray(batch->receipts, receipt);
		snprintf(batch->names[batch->count++], NAME_MAX + 1, "%s", entry->d_name);
	}
}

/* Remove receipts that nobody wants. Returns how many were removed. */
static int drop_batch(DIR *folder)
{
	const struct dirent *entry;
	int count = 0;

	while (count < RECEIPTS_PER_REQUEST_MAX && (entry = readdir(folder)) != NULL)
		if (is_receipt(entry->d_name) && unlinkat(dirfd(folder), entry->d_name, 0) == 0)
			count++;
	return count;
}

/* Send one batch. Returns how many receipts the endpoint accepted, or -1 with a message on stderr
 * unless `quiet`. */
static int send_batch(const struct config *config, DIR *folder, bool quiet)
{
	_cleanup_json_ cJSON *document = cJSON_CreateObject();
	_cleanup_free_ char *text = NULL;
	struct batch batch = { .receipts = cJSON_AddArrayToObject(document, "receipts") };
	char detail[PROBLEM_DETAIL_SIZE] = "not enough memory";
	enum problem problem;

	if (batch.receipts != NULL)
		gather(folder, &batch);
	if (batch.receipts != NULL && batch.count == 0)
		return 0;
	text = cJSON_PrintUnformatted(document);
	problem = text == NULL ? PROBLEM_ENDPOINT_UNREACHABLE
			       : provider_of(config)->send_receipts(config, text, detail);
	if (problem != PROBLEM_NONE && !quiet)
		fprintf(stderr, "exc-instance-connect: %u receipts were not sent: %s (%s); %s\n",
			batch.count, detail, problem_name(problem), problem_advice(problem));
	if (problem != PROBLEM_NONE)
		return -1;
	for (unsigned int i = 0; i < batch.count; i++)
		unlinkat(dirfd(folder), batch.names[i], 0);
	return (int)batch.count;
}

static bool report_folder(const struct config *config, const char *path, bool quiet)
{
	for (int request = 0; request < REQUESTS_MAX; request++) {
		_cleanup_(cleanup_closedir) DIR *folder = opendir(path);
		int sent;

		if (folder == NULL && errno == ENOENT)
			return true;
		if (folder == NULL) {
			fprintf(stderr, "exc-instance-connect: %s: %s\n", path, strerror(errno));
			return false;
		}
		sent = provider_of(config)->send_receipts == NULL
			       ? drop_batch(folder)
			       : send_batch(config, folder, quiet);
		if (sent < RECEIPTS_PER_REQUEST_MAX)
			return sent >= 0;
	}
	return true;
}

/* Keep other runs out, so that each receipt is sent once: they wait. If there is no directory to
 * lock, there is nothing to send. The caller closes it. */
static int lock_receipts(void)
{
	const struct timespec pause = { .tv_nsec = LOCK_PAUSE_MS * 1000000L };
	int folder = open(RECEIPTS_DIR, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	for (int waited = 0; folder >= 0 && waited < LOCK_WAIT_MS; waited += LOCK_PAUSE_MS) {
		if (flock(folder, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
			break;
		nanosleep(&pause, NULL);
	}
	return folder;
}

struct report {
	const struct config *config;
	bool said; /* the first failure was reported */
};

/* Send everything. Report only the first failure and the last: the others are the same. */
static bool report_all(void *context, bool last)
{
	struct report *report = context;
	_cleanup_close_ int lock = lock_receipts();
	bool quiet = report->said && !last;
	bool sent = report_folder(report->config, RECEIPTS_DIR, quiet);

	sent &= report_folder(report->config, RECEIPTS_FALLBACK_DIR, quiet);
	report->said |= !sent;
	return sent;
}

int report_main(int argc, char **argv, const char *config_path)
{
	char detail[PROBLEM_DETAIL_SIZE] = "";
	struct config config;
	struct report report = { .config = &config };
	unsigned int seconds;

	if (!retry_take_option(&argc, argv, &seconds) || argc != 0) {
		fprintf(stderr,
			"Usage: exc-instance-connect report [--retry SECONDS]\n"
			"SECONDS is 0 to %d.\n",
			RETRY_SECONDS_MAX);
		return EXIT_USAGE;
	}
	if (!config_load(&config, config_path, detail)) {
		fprintf(stderr, "exc-instance-connect: %s\n", detail);
		return EXIT_FAILURE;
	}
	return retry(report_all, &report, seconds) ? EXIT_SUCCESS : EXIT_FAILURE;
}
