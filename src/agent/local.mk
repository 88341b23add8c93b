# SPDX-License-Identifier: Apache-2.0
# exc-instance-connect, the agent on the guest
include src/agent/config/local.mk
include src/agent/http/local.mk
include src/agent/provider/local.mk
include src/agent/answer/local.mk
include src/agent/wiring/local.mk
include src/agent/report/local.mk
include src/agent/doctor/local.mk

program_PROGRAMS += %D%/agent
%C%_agent_SOURCES = %D%/commands.h %D%/main.c
# A folder stands before those that it uses.
AGENT_LIBS = %D%/doctor/libdoctor.a %D%/report/libreport.a %D%/wiring/libwiring.a %D%/answer/libanswer.a \
	%D%/provider/libprovider.a %D%/http/libhttp.a %D%/config/libconfig.a src/ec2/libec2.a src/ledger/libledger.a \
	src/sandbox/libsandbox.a $(GRANT_LIBS)
%C%_agent_LDADD = $(AGENT_LIBS)
%C%_agent_LDFLAGS = $(AM_LDFLAGS) -pie
dist_man_MANS += man/exc-instance-connect.1 man/exc-instance-connect.conf.5
