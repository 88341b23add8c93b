/* SPDX-License-Identifier: Apache-2.0 */
/* doctor: report what keeps one-time keys from working, and how to fix it. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/commands.h"
#include "agent/doctor/diagnosis.h"
#include "agent/doctor/next_step.h"
#include "base/run_program.h"
#include "base/json.h"
#include "ledger/paths.h"

/* Columns of a terminal, and of the indent of findings */
#define WIDTH 80
#define INDENT 8
#define EVENTS_SIZE 16384
#define JOURNAL_SECONDS 10

static const char *const level_names[] = {
	[FINDING_GOOD] = "good", [FINDING_WARNING] = "warning", [FINDING_BAD] = "bad"
};

/* The last ten events, one per line; empty if there is no journal. */
static void read_events(char events[EVENTS_SIZE])
{
	const char *const argv[] = {
		"/usr/bin/journalctl", "-q", "--no-pager",           "-n", "10", "-o",
		"short-iso",           "-t", "exc-instance-connect", NULL
	};

	if (run_program(argv, events, EVENTS_SIZE, JOURNAL_SECONDS) != 0)
		events[0] = '\0';
}

/* Print with line breaks between words, each line indented; `column` is where the first one begins.
 */
static void print_wrapped(const char *text, size_t column)
{
	while (*text != '\0') {
		size_t word = strcspn(text, " ");

		if (column + word > WIDTH && column > INDENT) {
			printf("\n%*s", INDENT, "");
			column = INDENT;
		}
		printf("%.*s", (int)word, text);
		column += word;
		text += word;
		if (*text == ' ') {
			putchar(' ');
			text++;
			column++;
		}
	}
	putchar('\n');
}

static void print_words(const struct diagnosis *diagnosis, const char *events)
{
	for (unsigned int i = 0; i < diagnosis->count; i++) {
		const struct finding *finding = &diagnosis->findings[i];
		int begun = printf("%-7s %s: ", level_names[finding->level], finding->name);

		print_wrapped(finding->text, (size_t)begun);
		if (finding->mend[0] != '\0') {
			begun = printf("%*s-> ", INDENT, "");
			print_wrapped(finding->mend, (size_t)begun);
		}
	}
	if (events[0] != '\0')
		printf("\nThe last events:\n%s", events);
	puts("\nA refused login that left no event here had a key that no grant names. To see such\n"
	     "keys, set log_level = debug in " CONFIG_FILE ",\n"
	     "log in again, and run: journalctl -t exc-instance-connect -p debug");
}

static void print_json(const struct diagnosis *diagnosis, const char *events)
{
	_cleanup_json_ cJSON *object = cJSON_CreateObject();
	cJSON *findings = cJSON_AddArrayToObject(object, "findings");
	cJSON *lines = cJSON_AddArrayToObject(object, "events");
	_cleanup_free_ char *text = NULL;

	for (unsigned int i = 0; i < diagnosis->count; i++) {
		const struct finding *finding = &diagnosis->findings[i];
		cJSON *entry = cJSON_CreateObject();

		cJSON_AddStringToObject(entry, "name", finding->name);
		cJSON_AddStringToObject(entry, "level", level_names[finding->level]);
		cJSON_AddStringToObject(entry, "text", finding->text);
		cJSON_AddStringToObject(entry, "mend", finding->mend);
		cJSON_AddItemToArray(findings, entry);
	}
	/* Bounded by EVENTS_SIZE */
	while (*events != '\0') {
		char line[1024];
		size_t length = strcspn(events, "\n");

		snprintf(line, sizeof line, "%.*s", (int)length, events);
		cJSON_AddItemToArray(lines, cJSON_CreateString(line));
		events += length + (events[length] == '\n');
	}
	text = cJSON_Print(object);
	if (text != NULL)
		puts(text);
}

/* For the packages: two lines, the second being the command, if anything is left to do. */
static int print_next(const char *config_path)
{
	struct next_step step;

	if (!next_step_find(&step, config_path))
		return FINDING_GOOD;
	printf("One-time keys do not log in yet: %s, and run as root:\n%s\n", step.why,
	       step.command);
	return FINDING_BAD;
}

/* --user NAME and --json, each once at most. */
static bool read_options(int argc, char **argv, const char **user, bool *json)
{
	*user = NULL;
	*json = false;
	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0 && !*json)
			*json = true;
		else if (strcmp(argv[i], "--user") == 0 && i + 1 < argc && *user == NULL)
			*user = argv[++i];
		else
			return false;
	}
	return true;
}

int doctor_main(int argc, char **argv, const char *config_path)
{
	static struct diagnosis diagnosis;
	static char events[EVENTS_SIZE];
	enum finding_level worst = FINDING_GOOD;
	const char *user;
	bool json;

	const bool next = argc == 1 && strcmp(argv[0], "--next") == 0;

	if (!next && !read_options(argc, argv, &user, &json)) {
		fputs("Usage: exc-instance-connect doctor [--user NAME] [--json] | --next\n",
		      stderr);
		return EXIT_USAGE;
	}
	if (geteuid() != 0) {
		fputs("exc-instance-connect: doctor must run as root to check everything; try sudo\n",
		      stderr);
		return EXIT_USAGE;
	}
	if (next)
		return print_next(config_path);
	diagnose(&diagnosis, config_path, user);
	read_events(events);
	if (json)
		print_json(&diagnosis, events);
	else
		print_words(&diagnosis, events);
	for (unsigned int i = 0; i < diagnosis.count; i++)
		if (diagnosis.findings[i].level > worst)
			worst = diagnosis.findings[i].level;
	return (int)worst;
}
