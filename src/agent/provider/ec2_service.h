/* SPDX-License-Identifier: Apache-2.0 */
/* What EC2's metadata service knows about pushed keys: the instance, and their signer. */
#ifndef EXC_AGENT_PROVIDER_EC2_SERVICE_H
#define EXC_AGENT_PROVIDER_EC2_SERVICE_H

#include <time.h>

#include "agent/config/config.h"
#include "agent/provider/imds.h"
#include "agent/config/instance_id.h"
#include "agent/config/problem.h"
#include "ec2/signer.h"
#include "grant/verdict.h"

/* Staples that the service may list */
#define EC2_STAPLES_MAX 16

/* Ask which instance this is, and check that against the machine (ec2_identity.h). PROBLEM_NONE
 * with `id` and *source, PROBLEM_INSTANCE_UNKNOWN, or one of the endpoint's problems. */
enum problem ec2_get_instance(struct imds *imds, const struct config *config,
			      char id[INSTANCE_ID_SIZE], const char **source,
			      char detail[PROBLEM_DETAIL_SIZE]);

/* Ask where this is, and set `name` to the signer's name there. The region is the availability zone
 * without what follows its number; the domain is one of the four that EC2 has. PROBLEM_NONE, or one
 * of the endpoint's problems. */
enum problem ec2_get_signer_name(struct imds *imds, char name[SIGNER_NAME_SIZE],
				 char detail[PROBLEM_DETAIL_SIZE]);

/* Ask for the signer's certificates, verify them by the system's CA certificates at `now`, and then
 * ask for the staples of those in the chain, and verify them. PROBLEM_NONE: *verdict is GRANT_OK
 * and *signer is the caller's, to signer_free(); or the verdict says why the signer is not trusted,
 * `detail` says more, and *signer is NULL. GRANT_UNKNOWN_KEY: the service has no signer. Otherwise
 * one of the endpoint's problems. */
enum problem ec2_get_signer(struct imds *imds, const char *name, time_t now, struct signer **signer,
			    enum grant_verdict *verdict, char detail[PROBLEM_DETAIL_SIZE]);

#endif
