# SPDX-License-Identifier: Apache-2.0
# The listeners, and how requests and answers travel
noinst_LIBRARIES += %D%/libserver.a
%C%_libserver_a_CFLAGS = $(AM_CFLAGS) $(WEBSOCKETS_CFLAGS) $(SYSTEMD_CFLAGS) $(SSL_CFLAGS)
%C%_libserver_a_SOURCES = \
	%D%/http_exchange.c %D%/http_exchange.h \
	%D%/http_request.c %D%/http_request.h \
	%D%/server.c %D%/server.h
