# SPDX-License-Identifier: Apache-2.0
# What keeps one-time keys from working
noinst_LIBRARIES += %D%/libdoctor.a
%C%_libdoctor_a_CFLAGS = $(AM_CFLAGS)
%C%_libdoctor_a_SOURCES = \
	%D%/account.c %D%/account.h \
	%D%/check_account.c \
	%D%/check_account_sshd.c \
	%D%/check_ec2.c %D%/check_ec2.h \
	%D%/check_excloud.c %D%/check_excloud.h \
	%D%/check_key_types.c \
	%D%/check_machine.c \
	%D%/check_sshd.c \
	%D%/diagnosis.c %D%/diagnosis.h \
	%D%/doctor.c \
	%D%/findings.c %D%/findings.h \
	%D%/next_step.c %D%/next_step.h
