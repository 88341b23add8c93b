# SPDX-License-Identifier: Apache-2.0
# The fetch program: what of the agent has the network. It has no ledger and no trust anchors.
noinst_LIBRARIES += %D%/libfetch.a
%C%_libfetch_a_CFLAGS = $(AM_CFLAGS) $(CURL_CFLAGS) $(SSL_CFLAGS)
%C%_libfetch_a_SOURCES = \
	%D%/endpoint.c %D%/endpoint.h \
	%D%/protocol.h \
	%D%/transfer.c %D%/transfer.h
program_PROGRAMS += %D%/fetch
%C%_fetch_SOURCES = %D%/main.c
%C%_fetch_LDADD = %D%/libfetch.a src/sandbox/libsandbox.a src/base/libbase.a $(CURL_LIBS) $(SSL_LIBS)
%C%_fetch_LDFLAGS = $(AM_LDFLAGS) -pie
