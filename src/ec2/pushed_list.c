/* SPDX-License-Identifier: Apache-2.0 */
/* The list of pushed keys that EC2's metadata service has for one user, block by block. */
#include "ec2/pushed_list.h"

#include <string.h>

/* Digits of a time: below JSON_INTEGER_MAX, and until the year 33658 */
#define TIMESTAMP_DIGITS_MAX 12

/* A piece of the list, without a NUL after it. */
struct text {
	const char *at;
	size_t length;
};

/* Which names this block already had. */
struct seen {
	bool timestamp, instance, caller, request;
};

/* Take the next line, without its line feed; the last line may have none. */
static bool take_line(struct text *rest, struct text *line)
{
	const char *feed;

	if (rest->length == 0)
		return false;
	feed = memchr(rest->at, '\n', rest->length);
	line->at = rest->at;
	line->length = feed == NULL ? rest->length : (size_t)(feed - rest->at);
	rest->at += line->length + (feed != NULL);
	rest->length -= line->length + (feed != NULL);
	return true;
}

static bool is_white(char character)
{
	return character == ' ' || character == '\t';
}

static bool is_blank(const struct text *line)
{
	size_t white = 0;

	while (white < line->length && is_white(line->at[white]))
		white++;
	return white == line->length;
}

/* May this line stand in a block? A NUL may not, and a carriage return only at the end of the key,
 * where it was signed with it. */
static bool is_plain(const struct text *line, bool is_key)
{
	const char *carriage = memchr(line->at, '\r', line->length);

	return memchr(line->at, '\0', line->length) == NULL &&
	       (carriage == NULL || (is_key && carriage == line->at + line->length - 1));
}

/* Take the lines up to a blank one: true when there is a block, with the reason if it is
 * unreadable. */
static bool take_block(struct blocks *blocks, struct text *text, enum grant_verdict *verdict)
{
	struct text rest = { blocks->at, blocks->left }, line;
	bool had_key = false;
	unsigned int lines = 0;

	*verdict = GRANT_OK;
	text->at = NULL;
	text->length = 0;
	/* Bounded by the list */
	while (take_line(&rest, &line)) {
		const bool is_key = !had_key && line.length > 0 && line.at[0] != '#';

		if (is_blank(&line) && text->at != NULL)
			break;
		if (is_blank(&line))
			continue;
		if (text->at == NULL)
			text->at = line.at;
		text->length = (size_t)(rest.at - text->at);
		if (line.length > BLOCK_LINE_MAX || ++lines > BLOCK_LINES_MAX ||
		    !is_plain(&line, is_key))
			*verdict = GRANT_BAD_ENCODING;
		had_key |= is_key;
	}
	blocks->at = rest.at;
	blocks->left = rest.length;
	return text->at != NULL;
}

/* The value of "#Name=value", if this line has that name. */
static bool has_name(const struct text *line, const char *name, struct text *value)
{
	size_t length = strlen(name);

	if (line->length < length || memcmp(line->at, name, length) != 0)
		return false;
	value->at = line->at + length;
	value->length = line->length - length;
	return true;
}

static bool read_timestamp(const struct text *value, int64_t *time)
{
	*time = 0;
	if (value->length == 0 || value->length > TIMESTAMP_DIGITS_MAX)
		return false;
	for (size_t i = 0; i < value->length; i++) {
		if (value->at[i] < '0' || value->at[i] > '9')
			return false;
		*time = 10 * *time + (value->at[i] - '0');
	}
	return true;
}

/* Copy what is printable ASCII and fits; otherwise `out` is empty. */
static bool copy_printable(const struct text *value, char *out, size_t size)
{
	out[0] = '\0';
	if (value->length == 0 || value->length >= size)
		return false;
	for (size_t i = 0; i < value->length; i++)
		if (value->at[i] < 0x20 || value->at[i] > 0x7e)
			return false;
	memcpy(out, value->at, value->length);
	out[value->length] = '\0';
	return true;
}

/* Note that a name was seen; GRANT_DUPLICATE_MEMBER if it had been before. */
static enum grant_verdict note(bool *seen)
{
	bool before = *seen;

	*seen = true;
	return before ? GRANT_DUPLICATE_MEMBER : GRANT_OK;
}

/* One line that begins with '#'. Unknown names are ignored. */
static enum grant_verdict read_claim(const struct text *line, struct block *block,
				     struct seen *seen)
{
	enum grant_verdict verdict = GRANT_OK;
	struct text value;

	if (has_name(line, "#Timestamp=", &value)) {
		verdict = note(&seen->timestamp);
		if (verdict == GRANT_OK && !read_timestamp(&value, &block->expires))
			verdict = GRANT_BAD_CLAIM;
	} else if (has_name(line, "#Instance=", &value)) {
		verdict = note(&seen->instance);
		if (verdict == GRANT_OK &&
		    !copy_printable(&value, block->instance, sizeof block->instance))
			verdict = GRANT_BAD_CLAIM;
	} else if (has_name(line, "#Caller=", &value)) {
		/* These two decide nothing; of several, the first goes to the journal. */
		if (note(&seen->caller) == GRANT_OK)
			copy_printable(&value, block->caller, sizeof block->caller);
	} else if (has_name(line, "#Request=", &value)) {
		if (note(&seen->request) == GRANT_OK)
			copy_printable(&value, block->request_id, sizeof block->request_id);
	}
	return verdict;
}

/* Take the next word of a line, behind any white space. */
static struct text take_word(struct text *line)
{
	struct text word;

	while (line->length > 0 && is_white(line->at[0])) {
		line->at++;
		line->length--;
	}
	word = (struct text){ line->at, 0 };
	while (word.length < line->length && !is_white(word.at[word.length]))
		word.length++;
	line->at += word.length;
	line->length -= word.length;
	return word;
}

/* "type base64", and perhaps a comment; with options in front it is not a type. */
static enum grant_verdict read_key(struct text line, struct block *block)
{
	static const char options[] = "options before the key are not accepted";
	char base64[BASE64_SIZE(SSH_KEY_BLOB_MAX)];
	struct text type, key;
	enum grant_verdict verdict;

	if (line.length > 0 && line.at[line.length - 1] == '\r')
		line.length--;
	type = take_word(&line);
	key = take_word(&line);
	if (type.length == 0 || key.length == 0 || key.length >= sizeof base64)
		return GRANT_BAD_SSH_KEY;
	memcpy(base64, key.at, key.length);
	base64[key.length] = '\0';
	verdict = grant_verdict_of_ssh_key(
		ssh_key_parse_parts(type.at, type.length, base64, &block->key));
	if (verdict == GRANT_OK &&
	    !digest_fingerprint(block->key.blob, block->key.blob_length, block->fingerprint))
		verdict = GRANT_NO_MEMORY;
	if (verdict != GRANT_OK &&
	    (memchr(type.at, '=', type.length) != NULL || strncmp(base64, "ssh-", 4) == 0 ||
	     strncmp(base64, "ecdsa-", 6) == 0))
		block->hint = options;
	return verdict;
}

/* The first error counts. */
static void keep_first(enum grant_verdict *verdict, enum grant_verdict another)
{
	if (*verdict == GRANT_OK)
		*verdict = another;
}

static void read_block(const struct text *text, struct block *block)
{
	struct text rest = *text, line = { text->at, 0 };
	struct seen seen = { 0 };

	block->signed_text = text->at;
	/* Bounded by BLOCK_LINES_MAX: longer ones are not read. */
	while (take_line(&rest, &line) && line.at[0] == '#')
		keep_first(&block->verdict, read_claim(&line, block, &seen));
	if (line.at[0] == '#')
		keep_first(&block->verdict, GRANT_BAD_SSH_KEY);
	else
		keep_first(&block->verdict, read_key(line, block));
	if (!seen.timestamp || !seen.instance)
		keep_first(&block->verdict, GRANT_BAD_CLAIM);
	block->signed_length = (size_t)(rest.at - text->at);
	block->signature = rest.at;
	block->signature_length = rest.length;
}

bool blocks_next(struct blocks *blocks, struct block *block)
{
	enum grant_verdict verdict;
	struct text text;

	if (blocks->count == BLOCKS_MAX || !take_block(blocks, &text, &verdict))
		return false;
	blocks->count++;
	memset(block, 0, sizeof *block);
	block->verdict = verdict;
	if (verdict == GRANT_OK)
		read_block(&text, block);
	return true;
}
