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
#define RECEIPT_FILE_BYTES_MAX 8192
/* Receipts that begin below this fit a request: endpoints take 64 KiB. */
#define REQUEST_BYTES_MAX (48 * 1024)
/* How long to wait for another run, longer than timeout_ms may be, and how often to check */
#define LOCK_WAIT_MS 30000
#define LOCK_PAUSE_MS 20

DEFINE_CLEANUP(DIR, closedir);

struct batch {
	cJSON *receipts; /* owned by the document */
	unsigned int count;
	size_t bytes;
	bool is_full; /* there may be more */
	char names[RECEIPTS_PER_REQUEST_MAX][NAME_MAX + 1];
};

static bool is_receipt(const char *name)
{
	size_t length = strlen(name);

	return name[0] != '.' && length > 5 && strcmp(name + length - 5, ".json") == 0;
}

/* Read one receipt. NULL, with a message on stderr, if it is not one. */
static cJSON *read_receipt(int folder, const char *name, size_t *bytes)
{
	_cleanup_close_ int fd =
		openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char text[RECEIPT_FILE_BYTES_MAX];
	ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof text);
	cJSON *receipt = NULL;

	if (length < 0 || json_parse(text, (size_t)length, &receipt) != JSON_OK)
		fprintf(stderr, "exc-instance-connect: %s is not a receipt; it was not sent\n",
			name);
	else
		*bytes += (size_t)length;
	return receipt;
}

/* Collect receipts from one directory, as many as fit a request. */
static void gather(DIR *folder, struct batch *batch)
{
	const struct dirent *entry;

	while ((entry = readdir(folder)) != NULL) {
		cJSON *receipt;

		batch->is_full = batch->count == RECEIPTS_PER_REQUEST_MAX ||
				 batch->bytes >= REQUEST_BYTES_MAX;
		if (batch->is_full)
			return;
		if (!is_receipt(entry->d_name))
			continue;
		receipt = read_receipt(dirfd(folder), entry->d_name, &batch->bytes);
		if (receipt == NULL)
			continue;
		cJSON_AddItemToArray(batch->receipts, receipt);
		snprintf(batch->names[batch->count++], NAME_MAX + 1, "%s", entry->d_name);
	}
}

/* Remove receipts that nobody wants; *more is whether some may be left. */
static void drop_batch(DIR *folder, bool *more)
{
	const struct dirent *entry;
	int count = 0;

	while (count < RECEIPTS_PER_REQUEST_MAX && (entry = readdir(folder)) != NULL)
		if (is_receipt(entry->d_name) && unlinkat(dirfd(folder), entry->d_name, 0) == 0)
			count++;
	*more = count == RECEIPTS_PER_REQUEST_MAX;
}

/* Send one batch; *more is whether some may be left. False if the endpoint did not accept it, with
 * a message on stderr unless `quiet`. */
static bool send_batch(const struct config *config, DIR *folder, bool quiet, bool *more)
{
	_cleanup_json_ cJSON *document = cJSON_CreateObject();
	_cleanup_free_ char *text = NULL;
	struct batch batch = { .receipts = cJSON_AddArrayToObject(document, "receipts") };
	char detail[PROBLEM_DETAIL_SIZE] = "not enough memory";
	enum problem problem;

	if (batch.receipts != NULL)
		gather(folder, &batch);
	*more = batch.is_full;
	if (batch.receipts != NULL && batch.count == 0)
		return true;
	text = cJSON_PrintUnformatted(document);
	problem = text == NULL ? PROBLEM_ENDPOINT_UNREACHABLE
			       : provider_of(config)->send_receipts(config, text, detail);
	if (problem != PROBLEM_NONE && !quiet)
		fprintf(stderr, "exc-instance-connect: %u receipts were not sent: %s (%s); %s\n",
			batch.count, detail, problem_name(problem), problem_advice(problem));
	if (problem != PROBLEM_NONE)
		return false;
	for (unsigned int i = 0; i < batch.count; i++)
		unlinkat(dirfd(folder), batch.names[i], 0);
	return true;
}

static bool report_folder(const struct config *config, const char *path, bool quiet)
{
	bool more = true;

	for (int request = 0; more && request < REQUESTS_MAX; request++) {
		_cleanup_(cleanup_closedir) DIR *folder = opendir(path);

		if (folder == NULL && errno == ENOENT)
			return true;
		if (folder == NULL) {
			fprintf(stderr, "exc-instance-connect: %s: %s\n", path, strerror(errno));
			return false;
		}
		if (provider_of(config)->send_receipts == NULL)
			drop_batch(folder, &more);
		else if (!send_batch(config, folder, quiet, &more))
			return false;
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
