# SPDX-License-Identifier: Apache-2.0
# The agent's side of its fetch program
noinst_LIBRARIES += %D%/libhttp.a
%C%_libhttp_a_CFLAGS = $(AM_CFLAGS)
%C%_libhttp_a_SOURCES = \
	%D%/fetch_process.c %D%/fetch_process.h \
	%D%/http.c %D%/http.h
