/* SPDX-License-Identifier: Apache-2.0 */
/* The commands in main.c's table. Each takes the arguments after the command's own name. */
#ifndef EXC_CLI_COMMANDS_H
#define EXC_CLI_COMMANDS_H

int connect_main(int argc, char **argv);
int exec_main(int argc, char **argv);
int scp_main(int argc, char **argv);
int console_main(int argc, char **argv);
int tunnel_main(int argc, char **argv);
int log_main(int argc, char **argv);
int login_main(int argc, char **argv);
int me_main(int argc, char **argv);
int ssh_config_main(int argc, char **argv);

#endif
