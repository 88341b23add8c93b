/* SPDX-License-Identifier: Apache-2.0 */
/* A staple as EC2's service sends it: base64, with or without line breaks. */
#include "ec2/staple_text.h"

#include "ec2/lines.h"
#include "base/base64.h"

ssize_t staple_decode(const char *text, size_t length, uint8_t der[SIGNER_STAPLE_BYTES_MAX])
{
	char joined[BASE64_SIZE(SIGNER_STAPLE_BYTES_MAX)];
	ssize_t joined_length = lines_join(text, length, joined, sizeof joined);

	return joined_length < 0
		       ? -1
		       : base64_decode(joined, (size_t)joined_length, der, SIGNER_STAPLE_BYTES_MAX);
}
