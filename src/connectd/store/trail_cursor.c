/* SPDX-License-Identifier: Apache-2.0 */
/* Where a list of rows goes on, without telling how many rows there are of others: the row's id,
 * encrypted as one block. */
#include "connectd/store/trail_cursor.h"

#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

#define BLOCK_BYTES 16
#define KEY_BYTES 32

/* One block of AES-256. A block repeats only where a row does. */
static bool run_cipher(const struct store *store, const uint8_t in[BLOCK_BYTES],
		       uint8_t out[BLOCK_BYTES], int encrypt)
{
	_cleanup_statement_ sqlite3_stmt *key =
		store_prepare(store, "SELECT bytes FROM cursor_key", "");
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	int length = 0;
	bool done = context != NULL && key != NULL && store_next(store, key) &&
		    sqlite3_column_bytes(key, 0) == KEY_BYTES &&
		    EVP_CipherInit_ex(context, EVP_aes_256_ecb(), NULL, sqlite3_column_blob(key, 0),
				      NULL, encrypt) == 1 &&
		    EVP_CIPHER_CTX_set_padding(context, 0) == 1 &&
		    EVP_CipherUpdate(context, out, &length, in, BLOCK_BYTES) == 1 &&
		    length == BLOCK_BYTES;

	EVP_CIPHER_CTX_free(context);
	return done;
}

bool trail_cursor_print(const struct store *store, int64_t id, char text[TRAIL_CURSOR_SIZE])
{
	uint8_t plain[BLOCK_BYTES] = { 0 }, block[BLOCK_BYTES];

	memcpy(plain, &id, sizeof id);
	if (!run_cipher(store, plain, block, 1))
		return false;
	for (size_t i = 0; i < BLOCK_BYTES; i++)
		snprintf(text + 2 * i, 3, "%02x", block[i]);
	return true;
}

bool trail_cursor_read(const struct store *store, const char *text, int64_t *id)
{
	static const uint8_t zero[BLOCK_BYTES] = { 0 };
	uint8_t plain[BLOCK_BYTES], block[BLOCK_BYTES];
	unsigned int byte;

	if (strlen(text) != TRAIL_CURSOR_SIZE - 1 ||
	    strspn(text, "0123456789abcdef") != TRAIL_CURSOR_SIZE - 1)
		return false;
	for (size_t i = 0; i < BLOCK_BYTES; i++) {
		if (sscanf(text + 2 * i, "%2x", &byte) != 1)
			return false;
		block[i] = (uint8_t)byte;
	}
	if (!run_cipher(store, block, plain, 0))
		return false;
	memcpy(id, plain, sizeof *id);
	return *id > 0 && memcmp(plain + sizeof *id, zero, BLOCK_BYTES - sizeof *id) == 0;
}
