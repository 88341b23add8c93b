# SPDX-License-Identifier: Apache-2.0
# WebSockets: terminal, tunnel and console
noinst_LIBRARIES += %D%/libsocket.a
%C%_libsocket_a_CFLAGS = $(AM_CFLAGS) $(WEBSOCKETS_CFLAGS) $(CRYPTO_CFLAGS) $(CJSON_CFLAGS)
%C%_libsocket_a_SOURCES = \
	%D%/admission.c %D%/admission.h \
	%D%/console.c \
	%D%/console_device.c %D%/console_device.h \
	%D%/ssh_client.c %D%/ssh_client.h \
	%D%/terminal.c \
	%D%/terminal_frame.c %D%/terminal_frame.h \
	%D%/tunnel.c \
	%D%/web_socket.c %D%/web_socket.h
