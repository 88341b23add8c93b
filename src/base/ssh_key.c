/* SPDX-License-Identifier: Apache-2.0 */
/* Parse an OpenSSH public key down to its blob (RFC 4253 section 6.6, RFC 5656, RFC 8709,
 * OpenSSH PROTOCOL.u2f). */
#include "base/ssh_key.h"

#include <stdbool.h>
#include <string.h>

#include "base/ssh_wire.h"

#define ED25519_BYTES 32
/* The application of an sk- key is a URL or "ssh:"; OpenSSH gives no bound. */
#define SK_APPLICATION_MAX 1024
#define RSA_EXPONENT_BYTES_MAX 8

enum key_kind {
	KIND_ED25519,
	KIND_ECDSA,
	KIND_RSA
};

struct key_type {
	const char *name;
	enum key_kind kind;
	bool security_key; /* an application string ends the blob */
	const char *curve; /* ECDSA */
	size_t point_bytes; /* ECDSA, uncompressed: 0x04 and two coordinates */
};

/* The only types that can be one-time keys. Certificates have their own CA; sshd checks them. */
static const struct key_type key_types[] = {
	{ "ssh-ed25519", KIND_ED25519, false, NULL, 0 },
	{ "ecdsa-sha2-nistp256", KIND_ECDSA, false, "nistp256", 65 },
	{ "ecdsa-sha2-nistp384", KIND_ECDSA, false, "nistp384", 97 },
	{ "ecdsa-sha2-nistp521", KIND_ECDSA, false, "nistp521", 133 },
	{ "sk-ssh-ed25519@openssh.com", KIND_ED25519, true, NULL, 0 },
	{ "sk-ecdsa-sha2-nistp256@openssh.com", KIND_ECDSA, true, "nistp256", 65 },
	{ "ssh-rsa", KIND_RSA, false, NULL, 0 },
};

/* A positive `mpint` in its shortest form (RFC 4251 section 5); returns its bits, or 0. */
static size_t positive_mpint_bits(const struct wire_reader *field)
{
	const uint8_t *bytes = field->bytes;
	size_t length = field->left;
	size_t bits;

	if (length == 0 || (bytes[0] & 0x80) != 0)
		return 0;
	if (bytes[0] == 0) {
		if (length == 1 || (bytes[1] & 0x80) == 0)
			return 0;
		bytes++;
		length--;
	}
	bits = 8 * length;
	for (uint8_t mask = 0x80; (bytes[0] & mask) == 0; mask >>= 1)
		bits--;
	return bits;
}

static enum ssh_key_result check_rsa(struct wire_reader *reader)
{
	struct wire_reader exponent, modulus;
	size_t bits;

	if (!wire_get_string(reader, &exponent) || !wire_get_string(reader, &modulus))
		return SSH_KEY_MALFORMED;
	if (exponent.left > RSA_EXPONENT_BYTES_MAX || positive_mpint_bits(&exponent) < 2 ||
	    (exponent.bytes[exponent.left - 1] & 1) == 0)
		return SSH_KEY_MALFORMED;
	bits = positive_mpint_bits(&modulus);
	if (bits == 0 || bits > SSH_KEY_RSA_BITS_MAX)
		return SSH_KEY_MALFORMED;
	return bits < SSH_KEY_RSA_BITS_MIN ? SSH_KEY_WEAK : SSH_KEY_OK;
}

static bool check_ecdsa(struct wire_reader *reader, const struct key_type *type)
{
	struct wire_reader curve, point;

	return wire_get_string(reader, &curve) &&
	       wire_equals(&curve, type->curve, strlen(type->curve)) &&
	       wire_get_string(reader, &point) && point.left == type->point_bytes &&
	       point.bytes[0] == 0x04;
}

static bool check_ed25519(struct wire_reader *reader)
{
	struct wire_reader key;

	return wire_get_string(reader, &key) && key.left == ED25519_BYTES;
}

static enum ssh_key_result check_blob(const struct ssh_key *key, const struct key_type *type)
{
	struct wire_reader reader = { key->blob, key->blob_length };
	struct wire_reader name, application;
	enum ssh_key_result result = SSH_KEY_OK;

	if (!wire_get_string(&reader, &name) || !wire_equals(&name, type->name, strlen(type->name)))
		return SSH_KEY_MALFORMED;
	if (type->kind == KIND_RSA)
		result = check_rsa(&reader);
	else if (type->kind == KIND_ECDSA ? !check_ecdsa(&reader, type) : !check_ed25519(&reader))
		result = SSH_KEY_MALFORMED;
	if (result == SSH_KEY_OK && type->security_key &&
	    (!wire_get_string(&reader, &application) || application.left == 0 ||
	     application.left > SK_APPLICATION_MAX))
		result = SSH_KEY_MALFORMED;
	if (result == SSH_KEY_OK && reader.left != 0)
		result = SSH_KEY_MALFORMED;
	return result;
}

static const struct key_type *find_type(const char *name, size_t length)
{
	for (size_t i = 0; i < sizeof key_types / sizeof key_types[0]; i++)
		if (strlen(key_types[i].name) == length &&
		    memcmp(key_types[i].name, name, length) == 0)
			return &key_types[i];
	return NULL;
}

/* Could this be the name of a key type? If not, the key is malformed, not of another type. */
static bool looks_like_type(const char *name, size_t length)
{
	if (length == 0 || length > SSH_KEY_TYPE_MAX)
		return false;
	for (size_t i = 0; i < length; i++)
		if (!((name[i] >= 'a' && name[i] <= 'z') || (name[i] >= '0' && name[i] <= '9') ||
		      strchr("-@.", name[i]) != NULL))
			return false;
	return true;
}

enum ssh_key_result ssh_key_parse_parts(const char *type, size_t type_length, const char *base64,
					struct ssh_key *key)
{
	const struct key_type *known = find_type(type, type_length);
	ssize_t decoded;

	memset(key, 0, sizeof *key);
	if (known == NULL)
		return looks_like_type(type, type_length) ? SSH_KEY_TYPE_NOT_ALLOWED
							  : SSH_KEY_MALFORMED;
	decoded = base64_decode(base64, strlen(base64), key->blob, sizeof key->blob);
	if (decoded <= 0)
		return SSH_KEY_MALFORMED;
	key->type = known->name;
	key->blob_length = (size_t)decoded;
	return check_blob(key, known);
}

enum ssh_key_result ssh_key_parse(const char *text, struct ssh_key *key)
{
	const char *space = strchr(text, ' ');

	memset(key, 0, sizeof *key);
	if (space == NULL)
		return SSH_KEY_MALFORMED;
	return ssh_key_parse_parts(text, (size_t)(space - text), space + 1, key);
}

void ssh_key_print(const struct ssh_key *key, char text[SSH_KEY_TEXT_SIZE])
{
	size_t length = strlen(key->type);

	memcpy(text, key->type, length);
	text[length] = ' ';
	base64_encode(key->blob, key->blob_length, text + length + 1);
}
