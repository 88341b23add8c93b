# SPDX-License-Identifier: Apache-2.0
# The answer to sshd's question, and the sandbox that it is made in
noinst_LIBRARIES += %D%/libanswer.a
%C%_libanswer_a_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS)
%C%_libanswer_a_SOURCES = \
	%D%/answer.c %D%/answer.h \
	%D%/authorized_keys.c \
	%D%/next_command.c %D%/next_command.h \
	%D%/sandbox.c %D%/sandbox.h \
	%D%/sandbox_landlock.c %D%/sandbox_landlock.h \
	%D%/sandbox_seccomp.c %D%/sandbox_seccomp.h
