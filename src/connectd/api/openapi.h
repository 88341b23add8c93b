/* SPDX-License-Identifier: Apache-2.0 */
/* The compute API's description (OpenAPI 3.1), made from docs/openapi.json when this is built. */
#ifndef EXC_CONNECTD_API_OPENAPI_H
#define EXC_CONNECTD_API_OPENAPI_H

extern const char openapi_json[];

#endif
