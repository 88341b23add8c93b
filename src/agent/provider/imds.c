/* SPDX-License-Identifier: Apache-2.0 */
/* EC2's instance metadata service, version 2: a session token, and the requests made with it. */
#include "agent/provider/imds.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

#define TOKEN_PATH "/latest/api/token"
#define TOKEN_HEADER "X-aws-ec2-metadata-token"
#define LIFETIME_HEADER "X-aws-ec2-metadata-token-ttl-seconds"
#define PATH_PREFIX "/latest/meta-data/"
#define WORD                                                                                       \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"                                     \
	"0123456789.-"

/* Printable ASCII without spaces goes into a header. */
static bool is_token(const struct http_answer *answer)
{
	if (answer->length == 0)
		return false;
	for (size_t i = 0; i < answer->length; i++)
		if (answer->body[i] <= 0x20 || answer->body[i] > 0x7e)
			return false;
	return true;
}

enum problem imds_open(struct imds *imds, const struct config *config,
		       char detail[PROBLEM_DETAIL_SIZE])
{
	const struct http_request request = { .method = "PUT",
					      .path = TOKEN_PATH,
					      .headers = { { LIFETIME_HEADER,
							     IMDS_TOKEN_SECONDS } },
					      .body = "",
					      .bytes_max = IMDS_TOKEN_BYTES_MAX };
	_cleanup_(http_free) struct http_answer answer = { 0 };
	enum problem problem = http_open(&imds->http, config, detail);

	if (problem == PROBLEM_NONE)
		problem = http_ask(&imds->http, &request, &answer, detail);
	if (problem != PROBLEM_NONE)
		return problem;
	if (answer.status != 200)
		return http_wrong_status(&imds->http, &answer, detail);
	if (!is_token(&answer)) {
		snprintf(detail, PROBLEM_DETAIL_SIZE, "%.128s sent no session token",
			 config->metadata_url);
		return PROBLEM_ANSWER_MALFORMED;
	}
	snprintf(imds->token, sizeof imds->token, "%s", answer.body);
	return PROBLEM_NONE;
}

enum problem imds_get(struct imds *imds, const char *path, size_t bytes_max,
		      struct http_answer *answer, char detail[PROBLEM_DETAIL_SIZE])
{
	char full[sizeof PATH_PREFIX + IMDS_PATH_SIZE];
	const struct http_request request = { .path = full,
					      .headers = { { TOKEN_HEADER, imds->token } },
					      .bytes_max = bytes_max };
	enum problem problem;

	snprintf(full, sizeof full, PATH_PREFIX "%s", path);
	problem = http_ask(&imds->http, &request, answer, detail);
	if (problem != PROBLEM_NONE || answer->status == 200 || answer->status == 404)
		return problem;
	problem = http_wrong_status(&imds->http, answer, detail);
	http_free(answer);
	return problem;
}

enum problem imds_get_word(struct imds *imds, const char *path, char word[IMDS_WORD_SIZE],
			   char detail[PROBLEM_DETAIL_SIZE])
{
	_cleanup_(http_free) struct http_answer answer = { 0 };
	enum problem problem = imds_get(imds, path, IMDS_WORD_SIZE - 1, &answer, detail);

	if (problem != PROBLEM_NONE)
		return problem;
	snprintf(word, IMDS_WORD_SIZE, "%s", answer.body == NULL ? "" : answer.body);
	word[strcspn(word, "\n")] = '\0';
	if (answer.status == 200 && word[0] != '\0' && strspn(word, WORD) == strlen(word))
		return PROBLEM_NONE;
	snprintf(detail, PROBLEM_DETAIL_SIZE, "%.128s has no usable %.64s", imds->http.url, path);
	return PROBLEM_ANSWER_MALFORMED;
}
