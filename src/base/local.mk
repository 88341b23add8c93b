# SPDX-License-Identifier: Apache-2.0
# Nothing about grants: bytes, addresses, files and processes. -fPIC, as the PAM module uses some of it.
noinst_LIBRARIES += %D%/libbase.a
%C%_libbase_a_CFLAGS = $(AM_CFLAGS) -fPIC $(CRYPTO_CFLAGS) $(CJSON_CFLAGS)
%C%_libbase_a_SOURCES = \
	%D%/base64.c %D%/base64.h \
	%D%/cleanup.h \
	%D%/clock.c %D%/clock.h \
	%D%/command_line.c %D%/command_line.h \
	%D%/digest.c %D%/digest.h %D%/digest_text.c \
	%D%/file.c %D%/file.h \
	%D%/first_line.c %D%/first_line.h \
	%D%/ini.c %D%/ini.h \
	%D%/json.c %D%/json.h \
	%D%/memory_file.c %D%/memory_file.h \
	%D%/network.c %D%/network.h \
	%D%/number.c %D%/number.h \
	%D%/printable.c %D%/printable.h \
	%D%/process.c %D%/process.h \
	%D%/random_name.c %D%/random_name.h \
	%D%/root_only.c %D%/root_only.h \
	%D%/run_program.c %D%/run_program.h \
	%D%/secret_memory.c %D%/secret_memory.h \
	%D%/ssh_key.c %D%/ssh_key.h \
	%D%/ssh_keypair.c %D%/ssh_keypair.h \
	%D%/ssh_wire.c %D%/ssh_wire.h \
	%D%/utf8.c %D%/utf8.h
