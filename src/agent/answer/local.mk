# SPDX-License-Identifier: Apache-2.0
# The answer to sshd's question, and the sandbox that it is made in
noinst_LIBRARIES += %D%/libanswer.a
%C%_libanswer_a_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS)
%C%_libanswer_a_SOURCES = \
	%D%/answer.c %D%/answer.h \
	%D%/authorized_keys.c \
	%D%/breaker.c %D%/breaker.h \
	%D%/next_command.c %D%/next_command.h \
	%D%/recall.c %D%/recall.h \
	%D%/walls.c %D%/walls.h
