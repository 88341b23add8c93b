/* SPDX-License-Identifier: Apache-2.0 */
/* What PAM does when a service opens a session: does it surely run our module? (pam.d(5)) */
#ifndef EXC_AGENT_WIRING_PAM_SERVICE_H
#define EXC_AGENT_WIRING_PAM_SERVICE_H

#include <stdbool.h>
#include <stddef.h>

/* Modules of one service's session stack, and how deep files include each other (libpam: 32) */
#define PAM_SERVICE_LINES_MAX 256
#define PAM_SERVICE_DEPTH_MAX 32
/* Bytes of a file name in PAM's directories */
#define PAM_SERVICE_NAME_SIZE 256

/* Where PAM looks for a service, the first one first; ends with NULL. */
extern const char *const pam_service_directories[];

enum pam_service_verdict {
	PAM_SERVICE_RUNS, /* it opens no session unless our module has run and agreed */
	PAM_SERVICE_NEVER, /* it does not name our module */
	PAM_SERVICE_PERHAPS /* it names it, and may open a session all the same */
};

/* Called with each file that was read; `context` is the caller's. */
typedef void pam_service_reader(void *context, const char *path);

/* Examine a service's stacks. For PAM_SERVICE_PERHAPS and PAM_SERVICE_NEVER, `why` (of `size`
 * bytes) gives the reason and what to look at. What cannot be read or understood is
 * PAM_SERVICE_PERHAPS. `read` may be NULL. */
enum pam_service_verdict pam_service_examine(const char *const *directories, const char *service,
					     pam_service_reader *read, void *context, char *why,
					     size_t size);

#endif
