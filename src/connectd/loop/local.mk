# SPDX-License-Identifier: Apache-2.0
# Descriptors and children in libwebsockets' loop
noinst_LIBRARIES += %D%/libloop.a
%C%_libloop_a_CFLAGS = $(AM_CFLAGS) $(WEBSOCKETS_CFLAGS)
%C%_libloop_a_SOURCES = \
	%D%/children.c %D%/children.h \
	%D%/dial.c %D%/dial.h \
	%D%/fd_watch.c %D%/fd_watch.h \
	%D%/relay.c %D%/relay.h
