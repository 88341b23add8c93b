# SPDX-License-Identifier: Apache-2.0
# The PAM module: spend a one-time key when sshd opens its session
pam_PROGRAMS = %D%/pam_exc_instance_connect.so
noinst_LIBRARIES += %D%/libmodule.a
%C%_libmodule_a_CFLAGS = $(AM_CFLAGS) -fPIC
%C%_libmodule_a_SOURCES = \
	%D%/auth_info.c %D%/auth_info.h \
	%D%/client_address.c %D%/client_address.h \
	%D%/receipt.c %D%/receipt.h
%C%_pam_exc_instance_connect_so_SOURCES = %D%/module.c
%C%_pam_exc_instance_connect_so_CFLAGS = $(AM_CFLAGS) -fPIC
%C%_pam_exc_instance_connect_so_LDADD = %D%/libmodule.a src/ledger/libledger.a src/base/libbase.a $(PAM_LIBS) $(CRYPTO_LIBS)
%C%_pam_exc_instance_connect_so_LDFLAGS = $(AM_LDFLAGS) -shared \
	-Wl,--version-script=$(srcdir)/%D%/pam_exc_instance_connect.map
EXTRA_%C%_pam_exc_instance_connect_so_DEPENDENCIES = %D%/pam_exc_instance_connect.map
EXTRA_DIST += %D%/pam_exc_instance_connect.map
dist_man_MANS += man/pam_exc_instance_connect.8
