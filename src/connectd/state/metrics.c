/* SPDX-License-Identifier: Apache-2.0 */
/* The control plane's counters, in Prometheus' format. */
#include "connectd/state/metrics.h"

#include <inttypes.h>
#include <stdio.h>

static void print_head(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP exc_connectd_%s %s\n# TYPE exc_connectd_%s %s\n", name, help, name,
		type);
}

static void print_counter(FILE *out, const char *name, const char *help, uint64_t value)
{
	print_head(out, name, "counter", help);
	fprintf(out, "exc_connectd_%s %" PRIu64 "\n", name, value);
}

static void print_answers(FILE *out, const char *listener, const uint64_t answers[METRICS_CLASSES])
{
	for (int class = 1; class < METRICS_CLASSES; class ++)
		fprintf(out,
			"exc_connectd_answers_total{listener=\"%s\",code=\"%dxx\"} %" PRIu64 "\n",
			listener, class, answers[class]);
}

static void print_sockets(FILE *out, const char *name, const char *type, const char *help,
			  const uint64_t counts[SOCKET_KINDS])
{
	print_head(out, name, type, help);
	for (int kind = 0; kind < SOCKET_KINDS; kind++)
		fprintf(out, "exc_connectd_%s{kind=\"%s\"} %" PRIu64 "\n", name,
			socket_kind_name((enum socket_kind)kind), counts[kind]);
}

char *metrics_print(const struct metrics *metrics)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	if (out == NULL)
		return NULL;
	print_head(out, "answers_total", "counter",
		   "Answers given, by listener and class of status.");
	print_answers(out, "compute", metrics->compute_answers);
	print_answers(out, "metadata", metrics->metadata_answers);
	print_counter(out, "grants_issued_total", "Grants that were signed.",
		      metrics->grants_issued);
	print_counter(out, "grants_served_total", "Grants in answers to instances.",
		      metrics->grants_served);
	print_counter(out, "grants_used_total", "Grants whose first receipt has arrived.",
		      metrics->grants_used);
	print_counter(out, "requests_limited_total", "Requests over a rate limit.",
		      metrics->requests_limited);
	print_sockets(out, "sockets_open", "gauge", "WebSockets that are open, by kind.",
		      metrics->sockets_open);
	print_sockets(out, "sockets_opened_total", "counter", "WebSockets that were opened.",
		      metrics->sockets_opened);
	print_head(out, "start_time_seconds", "gauge", "When this process started to serve.");
	fprintf(out, "exc_connectd_start_time_seconds %" PRId64 "\n", metrics->started);
	fclose(out);
	return text;
}
