/* SPDX-License-Identifier: Apache-2.0 */
/* What is left to do by hand after the installation, as one command. */
#include "agent/doctor/next_step.h"

#include <stdio.h>
#include <string.h>

#include "agent/config/config.h"
#include "agent/config/instance_id.h"
#include "agent/doctor/findings.h"
#include "grant/trust.h"

#define DOCTOR "exc-instance-connect doctor"

/* Can any grant be verified here? */
static enum trust_state look_at_trust(const char *directory)
{
	struct trust *trust = NULL;
	enum trust_state state = trust_open(directory, &trust);

	if (state == TRUST_OK)
		state = trust_load(trust);
	/* There are keys, and doctor says why they are of no use. */
	if (state == TRUST_EMPTY && trust != NULL && trust_unavailable(trust) > 0)
		state = TRUST_UNSAFE;
	trust_free(trust);
	return state;
}

bool next_step_find(struct next_step *step, const char *config_path)
{
	char detail[PROBLEM_DETAIL_SIZE] = "", id[INSTANCE_ID_SIZE];
	enum trust_state trust;
	struct config config;
	bool trusted, known;

	step->why[0] = '\0';
	snprintf(step->command, sizeof step->command, DOCTOR);
	if (!config_load(&config, config_path, detail)) {
		snprintf(step->why, sizeof step->why, "%s. Fix that line", detail);
		return true;
	}
	/* EC2 itself answers both questions there. */
	if (config.provider != PROVIDER_EXCLOUD)
		return false;
	trust = look_at_trust(config.trust_dir);
	trusted = trust == TRUST_OK;
	if (!trusted && trust != TRUST_EMPTY) {
		/* doctor has the cure. */
		snprintf(step->why, sizeof step->why, "the files in %.128s cannot be used",
			 config.trust_dir);
		return true;
	}
	known = instance_find(config.instance_id, id, NULL);
	if (trusted && known)
		return false;
	snprintf(step->why, sizeof step->why, "%s%s%s",
		 trusted ? ""
			 : "no key of an operator is trusted. Get operator.pem, which exc-connectd "
			   "init printed on the control plane",
		 trusted || known ? "" : "; ",
		 known ? ""
		       : "nothing on this machine proves which instance it is. Write its instance "
			 "id in place of ID");
	snprintf(step->command, sizeof step->command, trusted ? "" : DOCTOR_TRUST " && ",
		 config.trust_dir);
	snprintf(step->command + strlen(step->command),
		 sizeof step->command - strlen(step->command), "%s" DOCTOR,
		 known ? "" : DOCTOR_PIN " && ");
	return true;
}
