# SPDX-License-Identifier: Apache-2.0
# What the agent and the module share. -fPIC, for the module is loaded by sshd.
noinst_LIBRARIES += %D%/libledger.a
%C%_libledger_a_CFLAGS = $(AM_CFLAGS) -fPIC
%C%_libledger_a_SOURCES = \
	%D%/connection.c %D%/connection.h \
	%D%/entry.c %D%/entry.h \
	%D%/journal.c %D%/journal.h \
	%D%/ledger.c %D%/ledger.h \
	%D%/made.c \
	%D%/module_lock.c %D%/module_lock.h \
	%D%/offer.c %D%/offer.h \
	%D%/paths.h \
	%D%/stack_proof.c %D%/stack_proof.h \
	%D%/stamp.c %D%/stamp.h \
	%D%/sweep.c
