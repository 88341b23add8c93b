# SPDX-License-Identifier: Apache-2.0
# Fuzz targets: `make fuzzers`, for tests/fuzz/run
FUZZERS = %D%/fuzz_agent_conf %D%/fuzz_auth_info %D%/fuzz_authorized_line \
	%D%/fuzz_endpoint %D%/fuzz_grant %D%/fuzz_ledger %D%/fuzz_pushed_keys \
	%D%/fuzz_ssh_key %D%/fuzz_trust
EXTRA_PROGRAMS = $(FUZZERS) %D%/verdicts
EXTRA_LIBRARIES = %D%/libfuzz.a
%C%_libfuzz_a_SOURCES = %D%/authorized_reader.c %D%/authorized_reader.h %D%/fuzz.h \
	%D%/signers.c %D%/signers.h tests/unit/mint.c tests/unit/mint.h
FUZZ_LIBS = $(FUZZ_ENGINE) %D%/libfuzz.a src/pam/libmodule.a $(AGENT_LIBS) $(CMOCKA_LIBS)
%C%_fuzz_agent_conf_LDADD = $(FUZZ_LIBS)
%C%_fuzz_auth_info_LDADD = $(FUZZ_LIBS)
%C%_fuzz_authorized_line_LDADD = $(FUZZ_LIBS)
%C%_fuzz_endpoint_LDADD = $(FUZZ_LIBS)
%C%_fuzz_grant_LDADD = $(FUZZ_LIBS)
%C%_fuzz_ledger_LDADD = $(FUZZ_LIBS)
%C%_fuzz_pushed_keys_LDADD = $(FUZZ_LIBS)
%C%_fuzz_ssh_key_LDADD = $(FUZZ_LIBS)
%C%_fuzz_trust_LDADD = $(FUZZ_LIBS)
if CONNECTD
FUZZERS += %D%/fuzz_policy %D%/fuzz_request %D%/fuzz_terminal
%C%_fuzz_policy_LDADD = $(CONNECTD_LIBS) $(FUZZ_LIBS)
%C%_fuzz_request_LDADD = $(CONNECTD_LIBS) $(FUZZ_LIBS)
%C%_fuzz_terminal_LDADD = $(CONNECTD_LIBS) $(FUZZ_LIBS)
endif
# Our side of tests/fuzz/differential
%C%_verdicts_LDADD = $(GRANT_LIBS)
fuzzers: $(EXTRA_PROGRAMS)
.PHONY: fuzzers
