# SPDX-License-Identifier: Apache-2.0
# exc, the command for users who log in
include src/cli/terminal/local.mk
include src/cli/api/local.mk
include src/cli/ssh/local.mk
include src/cli/key_agent/local.mk

bin_PROGRAMS += %D%/exc
%C%_exc_SOURCES = \
	%D%/command_connect.c \
	%D%/command_console.c \
	%D%/command_exec.c \
	%D%/command_log.c \
	%D%/command_login.c \
	%D%/command_me.c \
	%D%/command_scp.c \
	%D%/command_ssh_config.c \
	%D%/command_tunnel.c \
	%D%/commands.h \
	%D%/main.c
# A directory precedes those that it uses.
CLI_LIBS = %D%/key_agent/libkey_agent.a %D%/ssh/libssh.a %D%/api/libapi.a %D%/terminal/libterminal.a \
	$(CURL_LIBS) $(WEBSOCKETS_LIBS) $(GRANT_LIBS)
%C%_exc_LDADD = $(CLI_LIBS)
%C%_exc_LDFLAGS = $(AM_LDFLAGS) -pie
dist_man_MANS += man/exc.1
bashcompletiondir = $(datadir)/bash-completion/completions
dist_bashcompletion_DATA = completions/bash/exc
zshcompletiondir = $(datadir)/zsh/site-functions
dist_zshcompletion_DATA = completions/zsh/_exc
fishcompletiondir = $(datadir)/fish/vendor_completions.d
dist_fishcompletion_DATA = completions/fish/exc.fish
