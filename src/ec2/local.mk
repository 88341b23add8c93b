# SPDX-License-Identifier: Apache-2.0
# What the EC2 service signs, and when it is valid
noinst_LIBRARIES += %D%/libec2.a
%C%_libec2_a_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS)
%C%_libec2_a_SOURCES = \
	%D%/lines.c %D%/lines.h \
	%D%/pushed_key.c %D%/pushed_key.h \
	%D%/pushed_list.c %D%/pushed_list.h \
	%D%/signer.c %D%/signer.h \
	%D%/staple.c %D%/staple.h \
	%D%/staple_text.c %D%/staple_text.h
