/* SPDX-License-Identifier: Apache-2.0 */
/* Leave a receipt for a used key, for `exc-instance-connect report` to send. */
#ifndef EXC_PAM_RECEIPT_H
#define EXC_PAM_RECEIPT_H

#include <stdbool.h>

#include "ledger/ledger.h"

/* Write one receipt to RECEIPTS_DIR, or to RECEIPTS_FALLBACK_DIR if that cannot be written. The
 * file appears whole or not at all, and belongs to the directory's owner. `client` is what
 * client_address() found. False, with errno, if neither directory can be written. */
bool receipt_write(const struct offer *spent, const char *client);

#endif
