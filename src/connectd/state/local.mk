# SPDX-License-Identifier: Apache-2.0
# State that ends with the process
noinst_LIBRARIES += %D%/libstate.a
%C%_libstate_a_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS)
%C%_libstate_a_SOURCES = \
	%D%/idempotency.c %D%/idempotency.h \
	%D%/key_vault.c %D%/key_vault.h \
	%D%/metrics.c %D%/metrics.h \
	%D%/rate_limit.c %D%/rate_limit.h \
	%D%/socket_kind.h \
	%D%/socket_limits.c %D%/socket_limits.h
