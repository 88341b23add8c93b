# SPDX-License-Identifier: Apache-2.0
# How sshd and PAM come to use us, and how that is undone
noinst_LIBRARIES += %D%/libwiring.a
%C%_libwiring_a_CFLAGS = $(AM_CFLAGS) $(CJSON_CFLAGS)
%C%_libwiring_a_SOURCES = \
	%D%/chain_check.c %D%/chain_check.h \
	%D%/pam_proof.c %D%/pam_proof.h \
	%D%/pam_service.c %D%/pam_service.h \
	%D%/pam_stack.c %D%/pam_stack.h \
	%D%/selinux.c %D%/selinux.h \
	%D%/sshd_before.c %D%/sshd_before.h \
	%D%/sshd_command.c \
	%D%/sshd_compare.c %D%/sshd_compare.h \
	%D%/sshd_config.c %D%/sshd_config.h \
	%D%/sshd_pattern.c %D%/sshd_pattern.h \
	%D%/sshd_pending.c %D%/sshd_pending.h \
	%D%/sshd_plan.c %D%/sshd_plan.h \
	%D%/sshd_running.c %D%/sshd_running.h \
	%D%/sshd_service.c %D%/sshd_service.h \
	%D%/sshd_status.c %D%/sshd_status.h \
	%D%/sshd_without_ours.c %D%/sshd_without_ours.h \
	%D%/systemd_unit.c %D%/systemd_unit.h \
	%D%/wiring.c %D%/wiring.h
