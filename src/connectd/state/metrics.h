/* SPDX-License-Identifier: Apache-2.0 */
/* The control plane's counters, in Prometheus' format. */
#ifndef EXC_CONNECTD_STATE_METRICS_H
#define EXC_CONNECTD_STATE_METRICS_H

#include <stdint.h>

#include "connectd/state/socket_kind.h"

/* Answers are counted by the first digit of their status, from 1 to 5. */
#define METRICS_CLASSES 6

struct metrics {
	uint64_t compute_answers[METRICS_CLASSES];
	uint64_t metadata_answers[METRICS_CLASSES];
	uint64_t grants_issued;
	uint64_t grants_served; /* once for each answer that they were in */
	uint64_t grants_used; /* first receipts of grants */
	uint64_t requests_limited; /* 429 */
	uint64_t sockets_open[SOCKET_KINDS]; /* now */
	uint64_t sockets_opened[SOCKET_KINDS]; /* ever */
	int64_t started; /* seconds since 1970 */
};

/* The text of GET /metrics (Prometheus' text format, version 0.0.4). The caller frees. NULL: no
 * memory. */
char *metrics_print(const struct metrics *metrics);

#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

#endif
