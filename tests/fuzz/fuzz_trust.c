/* SPDX-License-Identifier: Apache-2.0 */
/* A trust directory: whatever is in its files, only keys and CA certificates come out of it.
 *
 * The input is a byte with flags, one with the number of files, and the content of each. */
#include "../unit/mint.h"
#include "fuzz.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/pem.h>

#include "base/cleanup.h"
#include "base/digest.h"
#include "grant/trust.h"

#define NAME_SIZE 4096
#define WRITABLE_FILE 0x01 /* by others */
#define WRITABLE_DIRECTORY 0x02
#define LARGE_FILE 0x04
#define FOLDER 0x08 /* instead of a file */
#define OTHER_NAMES 0x10 /* no .pem */

/* How many files: few, for many take long, but sometimes one more than may be, which is soon seen
 */
static unsigned int count_of(uint8_t byte)
{
	return byte == UINT8_MAX ? TRUST_FILES_MAX + 1 : byte % 3;
}

static char *directory; /* left to who runs this, in TMPDIR */

static void name_of(unsigned int number, uint8_t flags, char *name, size_t size)
{
	snprintf(name, size, "%s/%u%s", directory, number, flags & OTHER_NAMES ? ".crt" : ".pem");
}

static void write_file(unsigned int number, uint8_t flags, const uint8_t *bytes, size_t length)
{
	char name[NAME_SIZE];
	_cleanup_close_ int fd = -1;

	name_of(number, flags, name, sizeof name);
	if ((flags & FOLDER) != 0) {
		must(mkdir(name, 0700) == 0);
		return;
	}
	fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	must(fd >= 0 && write(fd, bytes, length) == (ssize_t)length);
	must((flags & LARGE_FILE) == 0 || ftruncate(fd, TRUST_FILE_BYTES_MAX + 1) == 0);
	must((flags & WRITABLE_FILE) == 0 || fchmod(fd, 0666) == 0);
}

static void check(struct trust *trust, enum trust_state state, unsigned int count)
{
	const char *first;
	unsigned int skipped = trust_skipped(trust, &first);
	EVP_PKEY *key = trust_key(trust, "0");

	must(trust_load(trust) == state);
	must(skipped <= count && (skipped == 0) == (first == NULL));
	must(trust_authorities(trust) != NULL);
	must(trust_key(trust, "") == NULL && trust_key(trust, "0.pem") == NULL);
	must(state == TRUST_OK || (state == TRUST_EMPTY && key == NULL));
	must(key == NULL || EVP_PKEY_bits(key) > 0);
}

static void remove_files(unsigned int count, uint8_t flags)
{
	char name[NAME_SIZE];

	for (unsigned int i = 0; i < count; i++) {
		name_of(i, flags, name, sizeof name);
		must(remove(name) == 0);
	}
}

/* As many files as may be, with more keys than are taken: once, for it takes long */
static void check_full(void)
{
	unsigned char *der = NULL;
	EVP_PKEY *key = mint_key("ED25519", 0);
	int der_length = i2d_PUBKEY(key, &der);
	BIO *bio = BIO_new(BIO_s_mem());
	struct trust *trust;
	const char *first;
	char *text;
	long length;

	for (int i = 0; i <= TRUST_ANCHORS_MAX / TRUST_FILES_MAX; i++)
		must(PEM_write_bio(bio, PEM_STRING_PUBLIC, "", der, der_length) > 0);
	length = BIO_get_mem_data(bio, &text);
	for (unsigned int i = 0; i < TRUST_FILES_MAX; i++)
		write_file(i, 0, (const uint8_t *)text, (size_t)length);
	must(trust_open(directory, &trust) == TRUST_OK && trust_load(trust) == TRUST_OK);
	must(trust_skipped(trust, &first) > 0);
	trust_free(trust);
	remove_files(TRUST_FILES_MAX, 0);
	BIO_free(bio);
	OPENSSL_free(der);
	EVP_PKEY_free(key);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct trust *none;

	(void)argc;
	(void)argv;
	directory = mint_directory();
	must(trust_open("/nonexistent", &none) == TRUST_EMPTY && none == NULL);
	check_full();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	uint8_t flags = length < 2 ? 0 : bytes[0];
	unsigned int count = length < 2 ? 0 : count_of(bytes[1]);
	struct trust *trust;
	enum trust_state state;

	for (unsigned int i = 0; i < count; i++)
		write_file(i, flags, bytes + 2, length - 2);
	must(chmod(directory, flags & WRITABLE_DIRECTORY ? 0777 : 0700) == 0);
	state = trust_open(directory, &trust);
	must((state == TRUST_OK) == (trust != NULL));
	if ((flags & WRITABLE_DIRECTORY) != 0)
		must(state == TRUST_UNSAFE);
	else if (count == 0 || (flags & OTHER_NAMES) != 0)
		must(state == TRUST_EMPTY);
	else
		must(state == (count > TRUST_FILES_MAX ? TRUST_TOO_MANY : TRUST_OK));
	if (state == TRUST_OK) {
		state = trust_load(trust);
		must(state == TRUST_EMPTY || (flags & (WRITABLE_FILE | LARGE_FILE | FOLDER)) == 0);
		check(trust, state, count);
	}
	trust_free(trust);
	remove_files(count, flags);
	return 0;
}
