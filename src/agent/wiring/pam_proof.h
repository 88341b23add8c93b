/* SPDX-License-Identifier: Apache-2.0 */
/* Does sshd's PAM stack surely run our module? Ask, and leave the proof for the module. */
#ifndef EXC_AGENT_WIRING_PAM_PROOF_H
#define EXC_AGENT_WIRING_PAM_PROOF_H

#include <stdbool.h>
#include <stddef.h>

#include "agent/wiring/sshd_config.h"

/* Examine all services in these directories, and write the proof for the module to `path`
 * (stack_proof.h) if each that names our module runs it; otherwise remove it. A proof that holds is
 * left alone. True if there is one now; false with `why`. Waits a moment if a file was changed just
 * now, as a further change could have the same time. */
bool pam_proof_make(const char *const *directories, const char *path, char *why, size_t size);

/* Does this sshd tell PAM which key authenticated? False with `why`. */
bool pam_proof_sshd_is_new(const struct sshd_effective *effective, char *why, size_t size);

/* pam_proof_make() for this machine, and for what sshd -T prints: does this sshd use PAM, with a
 * service that runs the module? False with `why`. For root. */
bool pam_proof_for_sshd(const struct sshd_effective *effective, char *why, size_t size);

#endif
