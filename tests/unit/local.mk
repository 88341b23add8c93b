# SPDX-License-Identifier: Apache-2.0
# Unit tests, for `make check`. A new one is a line here: its source is the file of its name.
UNITS = \
	%D%/test_agent_config \
	%D%/test_command_line \
	%D%/test_encoding \
	%D%/test_grant \
	%D%/test_ini \
	%D%/test_ledger \
	%D%/test_network \
	%D%/test_pam_service \
	%D%/test_pushed_list \
	%D%/test_sandbox \
	%D%/test_ssh_key \
	%D%/test_sshd_pattern \
	%D%/test_trust
if CLIENT
UNITS += \
	%D%/test_cli \
	%D%/test_key_agent
endif
if CONNECTD
UNITS += \
	%D%/test_idempotency \
	%D%/test_policy \
	%D%/test_query \
	%D%/test_rate_limit \
	%D%/test_sockets
endif
check_PROGRAMS += $(UNITS)
TESTS = $(UNITS)
check_LIBRARIES = %D%/libunit.a
%C%_libunit_a_SOURCES = %D%/mint.c %D%/mint.h %D%/no_ed25519.c %D%/no_ed25519.h %D%/unit.h
%C%_libunit_a_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
# All of ours: the linker takes what a test names.
LDADD = %D%/libunit.a $(CLI_LIBS) $(CONNECTD_LIBS) src/pam/libmodule.a src/fetch/libfetch.a $(AGENT_LIBS) $(CMOCKA_LIBS) -lpthread
