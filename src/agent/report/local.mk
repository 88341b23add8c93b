# SPDX-License-Identifier: Apache-2.0
# What the guest tells the control plane: receipts and host keys
noinst_LIBRARIES += %D%/libreport.a
%C%_libreport_a_CFLAGS = $(AM_CFLAGS) $(CJSON_CFLAGS)
%C%_libreport_a_SOURCES = \
	%D%/host_keys.c %D%/host_keys.h \
	%D%/publish_host_keys.c \
	%D%/report.c \
	%D%/retry.c %D%/retry.h
