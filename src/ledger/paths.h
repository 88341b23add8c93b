/* SPDX-License-Identifier: Apache-2.0 */
/* Where things are on a guest; configure gives SYSCONFDIR and LOCALSTATEDIR. */
#ifndef EXC_LEDGER_PATHS_H
#define EXC_LEDGER_PATHS_H

#define CONFIG_DIR SYSCONFDIR "/exc-instance-connect"
#define CONFIG_FILE CONFIG_DIR "/agent.conf"
/* What the operator's package sets; CONFIG_FILE has the last word. */
#define OPERATOR_CONFIG_FILE CONFIG_DIR "/operator.conf"
#define TRUST_DIR CONFIG_DIR "/trust.d"
/* The proof that PAM's services run our module: stack_proof.h */
#define PAM_WIRED_FILE CONFIG_DIR "/pam.wired"
#define LEDGER_DIR RUNSTATEDIR "/exc-instance-connect"
#define STATE_DIR LOCALSTATEDIR "/lib/exc-instance-connect"
#define INSTANCE_ID_FILE STATE_DIR "/instance-id"
#define RECEIPTS_DIR STATE_DIR "/receipts"
/* Where receipts go when RECEIPTS_DIR cannot be written */
#define RECEIPTS_FALLBACK_DIR LEDGER_DIR "/receipts"

#endif
