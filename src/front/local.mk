# SPDX-License-Identifier: Apache-2.0
# exc-instance-connect: the program that sshd and people run. It is small so that it starts quickly; the agent,
# which it becomes, has the rest.
bin_PROGRAMS += %D%/exc-instance-connect
%C%_exc_instance_connect_SOURCES = %D%/main.c
%C%_exc_instance_connect_LDADD = src/agent/answer/libanswer.a src/agent/http/libhttp.a src/agent/config/libconfig.a \
	src/ledger/libledger.a src/grant/libgrant.a src/base/libbase.a $(INIH_LIBS)
%C%_exc_instance_connect_LDFLAGS = $(AM_LDFLAGS) -pie
