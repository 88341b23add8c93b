/* SPDX-License-Identifier: Apache-2.0 */
/* Did anything but our two settings of sshd's change, for anybody? */
#ifndef EXC_AGENT_WIRING_SSHD_COMPARE_H
#define EXC_AGENT_WIRING_SSHD_COMPARE_H

#include <stdbool.h>
#include <stddef.h>

#include "agent/wiring/sshd_config.h"

/* What sshd -T prints for everybody, and for each account that sshd_any_account() visits: a Match
 * block may mean any of them. */
struct sshd_views {
	unsigned int count; /* 0: there is nothing to compare with */
	struct {
		char user[SSHD_USER_SIZE]; /* "": everybody */
		bool has_host_keys;
		char *text;
	} of[SSHD_ACCOUNTS_MAX + 1];
};

/* Ask sshd for all of them. False, with `why`, if it fails for everybody; an account for which it
 * fails is left out. The caller forgets them in either case. */
bool sshd_views_ask(const struct sshd *sshd, struct sshd_views *views, char *why, size_t size);
void sshd_views_forget(struct sshd_views *views);

/* Does sshd now print the same, but for AuthorizedKeysCommand and its user? If not, `why` names the
 * first other setting, and whose it is. */
bool sshd_views_same(const struct sshd_views *before, const struct sshd *sshd, char *why,
		     size_t size);

#endif
