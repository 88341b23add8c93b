/* SPDX-License-Identifier: Apache-2.0 */
/* Does sshd accept the types of keys that grants can carry? */
#include <stdio.h>
#include <unistd.h>

#include "agent/doctor/findings.h"
#include "agent/wiring/sshd_pattern.h"

/* What exc and the control plane make */
#define USUAL_TYPE "ssh-ed25519"
/* RHEL's sshd gets its algorithms from there, on its command line or by an Include. */
#define CRYPTO_POLICY "/etc/crypto-policies/back-ends/opensshserver.config"
#define OWN_KEY                                                                                    \
	"ask the control plane with a public_key of that type, made by ssh-keygen -t %s (exc "     \
	"makes " USUAL_TYPE " only)"

/* By sshd's names, the other keys to ask with, the best first, and what ssh-keygen(1) calls them.
 * An RSA key has a name for each hash. */
static const struct {
	const char *algorithm, *option;
} others[] = {
	{ "ecdsa-sha2-nistp256", "ecdsa" },
	{ "ecdsa-sha2-nistp384", "ecdsa -b 384" },
	{ "ecdsa-sha2-nistp521", "ecdsa -b 521" },
	{ "rsa-sha2-512", "rsa" },
	{ "rsa-sha2-256", "rsa" },
	{ "sk-ssh-ed25519@openssh.com", "ed25519-sk" },
	{ "sk-ecdsa-sha2-nistp256@openssh.com", "ecdsa-sk" },
};

/* Where the list is changed, and that it need not be. */
static void print_mend(const struct sshd *sshd, const char *keyword, const char *option,
		       char mend[FINDING_TEXT_SIZE])
{
	char own_key[FINDING_TEXT_SIZE] = "", change[FINDING_TEXT_SIZE];

	if (option != NULL)
		snprintf(own_key, sizeof own_key, OWN_KEY, option);
	if (access(CRYPTO_POLICY, F_OK) == 0) {
		snprintf(mend, FINDING_TEXT_SIZE,
			 "%.200s%sthe crypto policy has the list: "
			 "update-crypto-policies --show",
			 own_key, option == NULL ? "" : "; or, as ");
		return;
	}
	snprintf(change, sizeof change, "add " USUAL_TYPE " to it%s%.180s",
		 option == NULL ? "" : ", or ", own_key);
	sshd_setting_mend(sshd, keyword, change, mend);
}

void check_key_types(struct patient *patient, const struct sshd *sshd,
		     const struct sshd_effective *effective, const char *name, const char *account)
{
	const char *keyword = "PubkeyAcceptedAlgorithms", *other = NULL, *option = NULL;
	char types[SSHD_VALUE_SIZE], mend[FINDING_TEXT_SIZE];

	sshd_value(effective, "pubkeyacceptedalgorithms", types);
	if (types[0] == '\0') {
		keyword = "PubkeyAcceptedKeyTypes"; /* before OpenSSH 8.5 */
		sshd_value(effective, "pubkeyacceptedkeytypes", types);
	}
	if (types[0] == '\0' || sshd_pattern_list_matches(USUAL_TYPE, types))
		return;
	for (size_t i = 0; other == NULL && i < sizeof others / sizeof others[0]; i++) {
		if (!sshd_pattern_list_matches(others[i].algorithm, types))
			continue;
		other = others[i].algorithm;
		option = others[i].option;
	}
	print_mend(sshd, keyword, option, mend);
	if (other == NULL)
		finding_add(patient, FINDING_BAD, name, mend,
			    "%s%s%s has no type of key that a grant can carry: %.200s", keyword,
			    account == NULL ? "" : " for ", account == NULL ? "" : account, types);
	else
		finding_add(patient, FINDING_WARNING, name, mend,
			    "%s%s%s does not have " USUAL_TYPE
			    ", which one-time keys usually are, but it has %s",
			    keyword, account == NULL ? "" : " for ", account == NULL ? "" : account,
			    other);
}
