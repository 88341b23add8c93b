# SPDX-License-Identifier: Apache-2.0
# Where grants come from: excloud and EC2
noinst_LIBRARIES += %D%/libprovider.a
%C%_libprovider_a_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS) $(CJSON_CFLAGS)
%C%_libprovider_a_SOURCES = \
	%D%/clock_skew.c %D%/clock_skew.h \
	%D%/ec2.c \
	%D%/ec2_identity.c %D%/ec2_identity.h \
	%D%/ec2_service.c %D%/ec2_service.h \
	%D%/ec2_verify.c \
	%D%/excloud.c \
	%D%/excloud_endpoint.c %D%/excloud_endpoint.h \
	%D%/imds.c %D%/imds.h \
	%D%/login_attempt.h \
	%D%/provider.c %D%/provider.h \
	%D%/vouched_time.c %D%/vouched_time.h
