# SPDX-License-Identifier: Apache-2.0
# connectd.conf and what it names
noinst_LIBRARIES += %D%/libconfig.a
%C%_libconfig_a_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS)
%C%_libconfig_a_SOURCES = \
	%D%/certificate.c %D%/certificate.h \
	%D%/config.c %D%/config.h \
	%D%/origin.c %D%/origin.h
