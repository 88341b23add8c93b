/* SPDX-License-Identifier: Apache-2.0 */
/* Does sshd ask the agent, and does PAM have the module? */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "agent/report/host_keys.h"
#include "ledger/paths.h"
#include "agent/doctor/findings.h"
#include "agent/provider/provider.h"
#include "agent/wiring/pam_proof.h"
#include "agent/wiring/pam_stack.h"
#include "agent/wiring/sshd_config.h"
#include "agent/wiring/sshd_service.h"
#include "agent/wiring/sshd_status.h"
#include "agent/wiring/sshd_without_ours.h"
#include "agent/wiring/wiring.h"

#define WHY_SIZE 512

const char *sshd_command_mend(const char *command)
{
	/* It refuses to put itself before another command that it was not told to run. */
	return sshd_command_is_none(command) || sshd_command_is_ours(command)
		       ? "exc-instance-connect sshd enable"
		       : "exc-instance-connect sshd enable --chain";
}

void sshd_setting_mend(const struct sshd *sshd, const char *keyword, const char *change,
		       char mend[FINDING_TEXT_SIZE])
{
	const char *unit = sshd->unit;

	/* Not every sshd has drop-ins: grep -s is silent about a directory that is missing. */
	snprintf(mend, FINDING_TEXT_SIZE,
		 "find it with: grep -rsi %s " SSHD_CONFIG " " SSHD_DROP_IN_DIR
		 "; %.200s; then: %s%s",
		 keyword, change, unit == NULL ? "reload sshd" : "systemctl reload ",
		 unit == NULL ? "" : unit);
}

static void check_tunnels(struct patient *patient, const struct sshd *sshd,
			  const struct sshd_effective *effective)
{
	char mend[FINDING_TEXT_SIZE];

	if (!sshd_permits_tunnels(sshd, effective))
		return;
	sshd_setting_mend(sshd, "PermitTunnel", "set PermitTunnel no", mend);
	finding_add(patient, FINDING_BAD, "PermitTunnel", mend,
		    "before OpenSSH 10.5, a one-time key whose port forwarding is forbidden can "
		    "still open a tunnel as root");
}

/* Which command sshd runs, and as which user. */
static void check_command(struct patient *patient, const struct sshd *sshd,
			  const struct sshd_effective *effective,
			  const struct sshd_running *running)
{
	char command[SSHD_VALUE_SIZE], user[SSHD_VALUE_SIZE], mend[FINDING_TEXT_SIZE];

	sshd_value(effective, "authorizedkeyscommand", command);
	sshd_value(effective, "authorizedkeyscommanduser", user);
	sshd_setting_mend(sshd, "AuthorizedKeysCommandUser",
			  "set AuthorizedKeysCommandUser " WIRING_COMMAND_USER, mend);
	if (sshd_service_command_origin(sshd, running) == SSHD_ORIGIN_PROCESS)
		finding_add(
			patient, FINDING_BAD, "sshd's configuration",
			"restart it without that, see: exc-instance-connect sshd status",
			"the running sshd has another AuthorizedKeysCommand on its command line");
	else if (!sshd_command_is_ours(command))
		finding_add(patient, FINDING_BAD, "sshd's configuration",
			    sshd_command_mend(command), "AuthorizedKeysCommand is: %.200s",
			    command);
	else if (strcmp(user, WIRING_COMMAND_USER) != 0)
		finding_add(patient, FINDING_BAD, "sshd's configuration", mend,
			    "it runs the agent as %.64s", user);
	else
		finding_add(patient, FINDING_GOOD, "sshd's configuration", "",
			    "it asks the agent, as %.64s", user);
}

/* What an administrator set, and our files keep from taking effect */
static void check_hidden(struct patient *patient, const struct sshd_effective *effective)
{
	const char *next = patient->config_is_good ? patient->config.next_command : "";
	char why[WHY_SIZE] = "";
	struct sshd_hidden hidden;

	if (!sshd_find_hidden(effective, next, &hidden, why, sizeof why))
		finding_add(patient, FINDING_WARNING, "sshd's configuration", "",
			    "what it would be without our files is unknown: %s", why);
	if (hidden.keys.is_hidden)
		finding_add(patient, FINDING_WARNING, "AuthorizedKeysCommand",
			    "exc-instance-connect sshd enable --chain",
			    "sshd never runs %.200s, because ours comes first",
			    hidden.keys.command);
	if (hidden.has_stale_chain)
		finding_add(patient, FINDING_WARNING, "next_command", SSHD_UNCHAIN,
			    "the agent runs %.200s, which sshd's files no longer have", next);
	if (hidden.principals.is_hidden)
		finding_add(patient, FINDING_BAD, "AuthorizedPrincipalsCommand",
			    "exc-instance-connect sshd enable",
			    "it is %.200s, and without our files it would be %.200s",
			    hidden.principals.instead, hidden.principals.command);
}

/* A host key that publish-host-keys does not find on its own */
static void check_host_keys(struct patient *patient, const struct sshd_effective *effective)
{
	char key[SSHD_VALUE_SIZE], mend[FINDING_TEXT_SIZE];

	for (unsigned int i = 0; sshd_nth_value(effective, "hostkey", i, key); i++) {
		if (host_keys_has_usual_place(key))
			continue;
		/* publish-host-keys finds it by that name. */
		snprintf(mend, sizeof mend,
			 "ln -s %.150s.pub /etc/ssh/ssh_host_%.64s_key.pub && systemctl restart "
			 "exc-instance-connect-host-keys",
			 key, strrchr(key, '/') == NULL ? key : strrchr(key, '/') + 1);
		finding_add(patient, FINDING_WARNING, "host keys", mend,
			    "%.200s is not among " HOST_KEYS_PATTERN ", so it is not published",
			    key);
		return;
	}
}

static void check_sshd(struct patient *patient)
{
	char why[FINDING_TEXT_SIZE] = "", command[SSHD_VALUE_SIZE];
	struct sshd_effective effective;
	struct sshd_running running;
	char mend[FINDING_TEXT_SIZE];
	struct sshd_other other;
	struct sshd sshd;

	sshd_find(&sshd);
	if (!sshd_test(&sshd, why, sizeof why) ||
	    !sshd_ask(&sshd, NULL, &effective, why, sizeof why)) {
		finding_add(patient, FINDING_BAD, "sshd's configuration",
			    "fix it, and check with: sshd -t", "%s", why);
		return;
	}
	sshd_service_look(&effective, &running);
	check_command(patient, &sshd, &effective, &running);
	check_hidden(patient, &effective);
	if (!patient->config_is_good || provider_of(&patient->config)->send_host_keys != NULL)
		check_host_keys(patient, &effective);
	sshd_value(&effective, "authorizedkeyscommand", command);
	if (sshd_find_other(&sshd, command, &other))
		finding_add(patient, FINDING_WARNING, "Match block",
			    "man exc-instance-connect, MATCH BLOCKS",
			    "one-time keys do not log in as %s: a Match block runs %.200s",
			    other.user, other.command);
	check_key_types(patient, &sshd, &effective, "sshd's configuration", NULL);
	check_tunnels(patient, &sshd, &effective);
	snprintf(mend, sizeof mend, "systemctl status %s", sshd.unit == NULL ? "ssh" : sshd.unit);
	if (sshd_service_answers(&running))
		finding_add(patient, FINDING_GOOD, "sshd", "", "it answers");
	else
		finding_add(patient, FINDING_WARNING, "sshd", mend,
			    "it does not answer on this machine");
}

/* What makes PAM run the module, where it is not proved that it does. */
static void mend_pam(const struct sshd *sshd, const struct sshd_effective *effective,
		     char mend[FINDING_TEXT_SIZE])
{
	char use_pam[SSHD_VALUE_SIZE], module[PAM_STACK_PATH_SIZE], why[WHY_SIZE];

	sshd_value(effective, "usepam", use_pam);
	if (strcmp(use_pam, "yes") != 0)
		sshd_setting_mend(sshd, "UsePAM", "set UsePAM yes", mend);
	else if (!pam_stack_find_module(module, why, sizeof why))
		snprintf(mend, FINDING_TEXT_SIZE, DOCTOR_REINSTALL);
	else if (pam_stack_has_module())
		/* Another service is sshd's, or something comes before our line. */
		snprintf(mend, FINDING_TEXT_SIZE, "man pam_exc_instance_connect, PROOF");
	else
		snprintf(mend, FINDING_TEXT_SIZE, "exc-instance-connect sshd enable");
}

static void check_pam(struct patient *patient)
{
	char mend[FINDING_TEXT_SIZE];
	struct sshd_effective effective;
	char why[WHY_SIZE] = "";
	struct sshd sshd;

	sshd_find(&sshd);
	if (patient->config_is_good && patient->config.single_use == SINGLE_USE_NO)
		finding_add(patient, FINDING_GOOD, "PAM", "",
			    "the module is not needed: keys work until they expire");
	else if (!sshd_ask(&sshd, NULL, &effective, why, sizeof why))
		return; /* sshd's configuration is broken, which is reported already */
	else if (pam_proof_for_sshd(&effective, why, sizeof why))
		finding_add(patient, FINDING_GOOD, "PAM", "", "the module spends keys");
	else {
		const bool needed =
			patient->config_is_good && patient->config.single_use == SINGLE_USE_PAM;

		mend_pam(&sshd, &effective, mend);
		finding_add(patient, needed ? FINDING_BAD : FINDING_WARNING, "PAM", mend, "%s %s",
			    needed ? "no key is offered, as single_use = pam and"
				   : "a key is bound to the first connection that offers it:",
			    why);
	}
}

void diagnose_sshd(struct patient *patient)
{
	check_sshd(patient);
	check_pam(patient);
}
