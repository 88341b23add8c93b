# SPDX-License-Identifier: Apache-2.0
# The machine's own ssh, and how it is started
noinst_LIBRARIES += %D%/libssh.a
%C%_libssh_a_CFLAGS = $(AM_CFLAGS)
%C%_libssh_a_SOURCES = \
	%D%/child.c %D%/child.h \
	%D%/known_hosts.c %D%/known_hosts.h \
	%D%/proxy_command.c %D%/proxy_command.h \
	%D%/ssh_command.c %D%/ssh_command.h \
	%D%/ssh_run.c %D%/ssh_run.h \
	%D%/tcp_bridge.c %D%/tcp_bridge.h
