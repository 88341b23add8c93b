# SPDX-License-Identifier: Apache-2.0
# What the control plane answers
noinst_LIBRARIES += %D%/libapi.a
%C%_libapi_a_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS) $(CJSON_CFLAGS)
%C%_libapi_a_SOURCES = \
	%D%/api_call.c %D%/api_call.h \
	%D%/connect.c %D%/connect.h \
	%D%/events.c %D%/events.h \
	%D%/guest_host_keys.c %D%/guest_host_keys.h \
	%D%/metadata_service.c \
	%D%/openapi.h \
	%D%/query.c %D%/query.h \
	%D%/routes.c \
	%D%/service.c %D%/service.h
nodist_%C%_libapi_a_SOURCES = %D%/openapi.c
CLEANFILES += %D%/openapi.c
%D%/openapi.c: docs/openapi.json
	$(AM_V_GEN)$(MKDIR_P) %D% && { \
		echo '/* Made from docs/openapi.json */' && \
		echo '#include "connectd/api/openapi.h"' && \
		echo 'const char openapi_json[] =' && \
		sed -e 's/[\\"]/\\&/g' -e 's/^ *\(.*\)$$/"\1\\n"/' $(srcdir)/docs/openapi.json && \
		echo ';'; } >$@.new && mv $@.new $@
