# SPDX-License-Identifier: Apache-2.0
# exc-connectd, the control plane
include src/connectd/config/local.mk
include src/connectd/store/local.mk
include src/connectd/state/local.mk
include src/connectd/loop/local.mk
include src/connectd/api/local.mk
include src/connectd/socket/local.mk
include src/connectd/http/local.mk

sbin_PROGRAMS += %D%/exc-connectd
%C%_exc_connectd_SOURCES = \
	%D%/command.c \
	%D%/command_audit.c \
	%D%/command_backup.c \
	%D%/command_instance.c \
	%D%/command_org.c \
	%D%/command_policy.c \
	%D%/command_serve.c \
	%D%/command_token.c \
	%D%/commands.h \
	%D%/main.c
%C%_exc_connectd_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS) $(CJSON_CFLAGS)
# A directory precedes those that it uses.
CONNECTD_LIBS = %D%/http/libserver.a %D%/socket/libsocket.a %D%/api/libapi.a %D%/loop/libloop.a %D%/state/libstate.a \
	%D%/store/libstore.a %D%/config/libconfig.a \
	$(WEBSOCKETS_LIBS) $(SQLITE_LIBS) $(SSL_LIBS) $(SYSTEMD_LIBS) $(GRANT_LIBS)
%C%_exc_connectd_LDADD = $(CONNECTD_LIBS)
%C%_exc_connectd_LDFLAGS = $(AM_LDFLAGS) -pie
dist_man_MANS += man/exc-connectd.8 man/exc-connectd.conf.5
USERS += exc-connectd
dist_systemdsystemunit_DATA += systemd/exc-connectd.service
presetdir = $(prefix)/lib/systemd/system-preset
dist_preset_DATA = systemd/50-exc-connectd.preset
