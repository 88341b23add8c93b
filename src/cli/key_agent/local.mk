# SPDX-License-Identifier: Apache-2.0
# The process that holds one-time keys for ssh
noinst_LIBRARIES += %D%/libkey_agent.a
%C%_libkey_agent_a_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS)
%C%_libkey_agent_a_SOURCES = \
	%D%/agent.h \
	%D%/agent_hand_over.c \
	%D%/agent_protocol.c %D%/agent_protocol.h \
	%D%/agent_serve.c \
	%D%/key_table.c %D%/key_table.h \
	%D%/runtime_folder.c %D%/runtime_folder.h
