/* SPDX-License-Identifier: Apache-2.0 */
/* The subcommands of exc-instance-connect. */
#ifndef EXC_AGENT_COMMANDS_H
#define EXC_AGENT_COMMANDS_H

#define EXIT_USAGE 2

/* Each takes the arguments after its name and the path of agent.conf, and returns the program's
 * exit status. */
int authorized_keys_main(int argc, char **argv, const char *config_path);
int doctor_main(int argc, char **argv, const char *config_path);
int ec2_verify_main(int argc, char **argv, const char *config_path);
int publish_host_keys_main(int argc, char **argv, const char *config_path);
int report_main(int argc, char **argv, const char *config_path);
int sshd_main(int argc, char **argv, const char *config_path);

#endif
