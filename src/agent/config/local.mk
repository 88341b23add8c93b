# SPDX-License-Identifier: Apache-2.0
# agent.conf, and what the agent knows of this machine
noinst_LIBRARIES += %D%/libconfig.a
%C%_libconfig_a_CFLAGS = $(AM_CFLAGS)
%C%_libconfig_a_SOURCES = \
	%D%/config.c %D%/config.h \
	%D%/instance_id.c %D%/instance_id.h \
	%D%/problem.c %D%/problem.h \
	%D%/problem_report.c %D%/problem_report.h
