# SPDX-License-Identifier: Apache-2.0
# What the user types and reads
noinst_LIBRARIES += %D%/libterminal.a
%C%_libterminal_a_CFLAGS = $(AM_CFLAGS) $(CJSON_CFLAGS)
%C%_libterminal_a_SOURCES = \
	%D%/console_escape.c %D%/console_escape.h \
	%D%/options.c %D%/options.h \
	%D%/print.c %D%/print.h \
	%D%/say.c %D%/say.h \
	%D%/terminal.c %D%/terminal.h
