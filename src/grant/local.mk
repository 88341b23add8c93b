# SPDX-License-Identifier: Apache-2.0
# What a grant is and when it is valid
noinst_LIBRARIES += %D%/libgrant.a
%C%_libgrant_a_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS) $(CJSON_CFLAGS)
%C%_libgrant_a_SOURCES = \
	%D%/algorithm.c %D%/algorithm.h \
	%D%/authorized_line.c %D%/authorized_line.h \
	%D%/grant.c %D%/grant.h \
	%D%/jws.c %D%/jws.h \
	%D%/restrict.c %D%/restrict.h \
	%D%/signed_time.c %D%/signed_time.h \
	%D%/trust.c %D%/trust.h \
	%D%/user_name.c \
	%D%/verdict.c %D%/verdict.h \
	%D%/x5c.c %D%/x5c.h
