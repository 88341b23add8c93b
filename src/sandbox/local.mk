# SPDX-License-Identifier: Apache-2.0
# The walls around a program that reads what strangers wrote
noinst_LIBRARIES += %D%/libsandbox.a
%C%_libsandbox_a_CFLAGS = $(AM_CFLAGS)
%C%_libsandbox_a_SOURCES = \
	%D%/landlock.c %D%/landlock.h \
	%D%/sandbox.c %D%/sandbox.h \
	%D%/seccomp.c %D%/seccomp.h
