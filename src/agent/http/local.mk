# SPDX-License-Identifier: Apache-2.0
# The HTTP client of the agent
noinst_LIBRARIES += %D%/libhttp.a
%C%_libhttp_a_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS) $(CRYPTO_CFLAGS)
%C%_libhttp_a_SOURCES = \
	%D%/endpoint.c %D%/endpoint.h \
	%D%/http.c %D%/http.h \
	%D%/http_connection.c %D%/http_connection.h \
	%D%/http_tls.c %D%/http_tls.h
