# SPDX-License-Identifier: Apache-2.0
# The control plane, seen from a user's machine
noinst_LIBRARIES += %D%/libapi.a
%C%_libapi_a_CFLAGS = $(AM_CFLAGS) $(CURL_CFLAGS) $(WEBSOCKETS_CFLAGS) $(CRYPTO_CFLAGS) $(CJSON_CFLAGS)
%C%_libapi_a_SOURCES = \
	%D%/account.c %D%/account.h \
	%D%/api.c %D%/api.h \
	%D%/credentials.c %D%/credentials.h \
	%D%/endpoint.c %D%/endpoint.h \
	%D%/session.c %D%/session.h \
	%D%/websocket.c %D%/websocket.h
