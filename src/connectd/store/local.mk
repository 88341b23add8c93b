# SPDX-License-Identifier: Apache-2.0
# What the control plane keeps
noinst_LIBRARIES += %D%/libstore.a
%C%_libstore_a_CFLAGS = $(AM_CFLAGS) $(SQLITE_CFLAGS) $(SYSTEMD_CFLAGS) $(CRYPTO_CFLAGS) $(CJSON_CFLAGS)
%C%_libstore_a_SOURCES = \
	%D%/audit_trail.c %D%/audit_trail.h \
	%D%/connect_session.c %D%/connect_session.h \
	%D%/iam.c %D%/iam.h \
	%D%/instance.c %D%/instance.h \
	%D%/instance_edit.c %D%/instance_edit.h \
	%D%/owned_file.c %D%/owned_file.h \
	%D%/policy.c %D%/policy.h \
	%D%/signing_key.c %D%/signing_key.h \
	%D%/store.c %D%/store.h \
	%D%/timestamp.c %D%/timestamp.h \
	%D%/trail_cursor.c %D%/trail_cursor.h
