/* SPDX-License-Identifier: Apache-2.0 */
/* What PAM does when a service opens a session: does it surely run our module? (pam.d(5))
 *
 * libpam reads a service's file with what it includes into one list of modules, and calls them in
 * order. What a module returns selects an action: go on, end the stack, or jump over the next ones.
 * Here, any action that could be selected is taken as possible. */
#include "agent/wiring/pam_service.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "agent/wiring/pam_stack.h"
#include "base/cleanup.h"
#include "base/file.h"

#define PATH_SIZE 512
#define JUMPS_MAX 8

const char *const pam_service_directories[] = { "/etc/pam.d", "/usr/lib/pam.d", NULL };

/* The four types of lines; our module acts in the first. */
static const char *const types[] = { "session", "auth", "account", "password" };

/* One module, or the line that starts a substack */
struct module {
	unsigned int level; /* 0, and 1 more in each substack */
	bool is_ours;
	bool refuses; /* a failure of this module refuses the session */
	bool ends; /* it may end its stack, and succeed */
	unsigned int jump_count;
	unsigned int jumps[JUMPS_MAX]; /* over how many modules it may jump */
};

struct stack {
	const char *const *directories;
	const char *type;
	pam_service_reader *read;
	void *context;
	bool names_ours; /* in any type */
	bool resets; /* a later module may make a refusal be forgotten */
	unsigned int count;
	struct module modules[PAM_SERVICE_LINES_MAX];
	char *why;
	size_t size;
};

static bool cannot(struct stack *stack, const char *what, const char *where)
{
	snprintf(stack->why, stack->size, "%s: %.200s", what, where);
	return false;
}

/* Read one value=action of a control, or what a control's word stands for. */
static bool add_action(struct module *module, bool *resets, const char *value, const char *action)
{
	/* What our module returns to refuse a session. Without a rule, it would be "bad". */
	const bool is_refusal = strcmp(value, "session_err") == 0 || strcmp(value, "default") == 0;
	char *end;
	unsigned long jump = strtoul(action, &end, 10);

	if (isdigit((unsigned char)action[0]) && *end == '\0') {
		if (jump == 0 || jump > PAM_SERVICE_LINES_MAX || module->jump_count == JUMPS_MAX)
			return false;
		module->jumps[module->jump_count++] = (unsigned int)jump;
	} else if (strcmp(action, "done") == 0) {
		module->ends = true;
	} else if (strcmp(action, "reset") == 0) {
		*resets = true;
	} else if (strcmp(action, "ok") != 0 && strcmp(action, "ignore") != 0 &&
		   strcmp(action, "bad") != 0 && strcmp(action, "die") != 0) {
		return false;
	}
	if (is_refusal && strcmp(action, "bad") != 0 && strcmp(action, "die") != 0)
		module->refuses = false;
	return true;
}

/* "[success=ok default=die]": session_err, if it is there, decides, and otherwise default. */
static bool read_actions(struct module *module, bool *resets, char *control)
{
	const bool has_own = strstr(control, "session_err=") != NULL;
	char *rest = control, *word;

	module->refuses = true;
	while ((word = strsep(&rest, " \t")) != NULL) {
		char *action = strchr(word, '=');

		if (*word == '\0')
			continue;
		if (action == NULL)
			return false;
		*action++ = '\0';
		if (has_own && strcmp(word, "default") == 0) {
			struct module other = *module;

			if (!add_action(&other, resets, word, action))
				return false;
			other.refuses = module->refuses;
			*module = other;
		} else if (!add_action(module, resets, word, action)) {
			return false;
		}
	}
	return true;
}

static bool read_control(struct module *module, bool *resets, char *control)
{
	size_t length = strlen(control);

	if (control[0] == '[') {
		if (length < 2 || control[length - 1] != ']')
			return false;
		control[length - 1] = '\0';
		return read_actions(module, resets, control + 1);
	}
	module->refuses =
		strcasecmp(control, "required") == 0 || strcasecmp(control, "requisite") == 0;
	module->ends = strcasecmp(control, "sufficient") == 0;
	return module->refuses || module->ends || strcasecmp(control, "optional") == 0;
}

/* Take the next word, or "[...]", from *rest. NULL at the end of the line. */
static char *next_word(char **rest)
{
	char *word = *rest + strspn(*rest, " \t");
	char *end;

	if (*word == '\0')
		return NULL;
	end = *word == '[' ? strchr(word, ']') : NULL;
	end = end != NULL ? end + 1 : word + strcspn(word, " \t");
	*rest = end;
	if (*end != '\0') {
		*end = '\0';
		*rest = end + 1;
	}
	return word;
}

/* Take the next line from *rest, joined with those that it is continued by, without its comment.
 * NULL at the end. */
static char *next_line(char **rest)
{
	char *line = *rest, *end = line;

	if (line == NULL || *line == '\0')
		return NULL;
	while ((end = strchr(end, '\n')) != NULL && end > line && end[-1] == '\\') {
		end[-1] = ' ';
		*end = ' ';
	}
	*rest = NULL;
	if (end != NULL) {
		*end = '\0';
		*rest = end + 1;
	}
	line[strcspn(line, "#")] = '\0';
	return line;
}

static bool is_ours(const char *path)
{
	const char *slash = strrchr(path, '/');

	return strcmp(slash == NULL ? path : slash + 1, PAM_STACK_MODULE) == 0;
}

static bool read_service(struct stack *stack, const char *name, unsigned int level,
			 unsigned int depth);

/* A line with a module, or that starts a substack. */
static bool add_module(struct stack *stack, char *control, const char *path, unsigned int level)
{
	struct module *module = &stack->modules[stack->count];

	if (stack->count == PAM_SERVICE_LINES_MAX)
		return cannot(stack, "there are too many modules", path);
	memset(module, 0, sizeof *module);
	module->level = level;
	module->is_ours = is_ours(path);
	stack->names_ours |= module->is_ours;
	if (!read_control(module, &stack->resets, control))
		return cannot(stack, "the control of a line is not understood", path);
	stack->count++;
	return true;
}

/* NOLINTBEGIN(misc-no-recursion): no deeper than PAM_SERVICE_DEPTH_MAX */
static bool read_line(struct stack *stack, char *line, unsigned int level, unsigned int depth)
{
	char required[] = "required";
	char *type = next_word(&line), *control = next_word(&line), *path = next_word(&line);

	if (type == NULL)
		return true;
	if (strcasecmp(type, "@include") == 0)
		return control == NULL ? cannot(stack, "a line is not understood", type)
				       : read_service(stack, control, level, depth + 1);
	if (strcasecmp(type + (*type == '-'), stack->type) != 0)
		return true;
	if (control == NULL || path == NULL)
		return cannot(stack, "a line is not understood", type);
	if (strcasecmp(control, "include") == 0)
		return read_service(stack, path, level, depth + 1);
	if (strcasecmp(control, "substack") == 0)
		return add_module(stack, required, path, level) &&
		       read_service(stack, path, level + 1, depth + 1);
	return add_module(stack, control, path, level);
}

/* Read a file in PAM's directories, or an absolute path. */
static bool read_service(struct stack *stack, const char *name, unsigned int level,
			 unsigned int depth)
{
	_cleanup_free_ char *text = NULL;
	char path[PATH_SIZE];
	char *rest, *line;
	size_t length;

	if (depth > PAM_SERVICE_DEPTH_MAX)
		return cannot(stack, "files include each other too deeply", name);
	for (const char *const *folder = stack->directories; text == NULL && *folder != NULL;
	     folder++) {
		const bool absolute = name[0] == '/';

		if (snprintf(path, sizeof path, "%s%s%s", absolute ? "" : *folder,
			     absolute ? "" : "/", name) >= (int)sizeof path)
			return cannot(stack, "a name is too long", name);
		text = file_read(path, &length);
	}
	if (text == NULL)
		return cannot(stack, "a file cannot be read", name);
	if (strlen(text) != length)
		return cannot(stack, "a file has a NUL", path);
	if (stack->read != NULL)
		stack->read(stack->context, path);
	for (rest = text; (line = next_line(&rest)) != NULL;)
		if (!read_line(stack, line, level, depth))
			return false;
	return true;
}
/* NOLINTEND(misc-no-recursion) */

/* Where a jump over `over` modules from `from` goes: one in a substack counts with all of it, and a
 * jump ends at the end of its own stack. */
static unsigned int jump_target(const struct stack *stack, unsigned int from, unsigned int over)
{
	const unsigned int level = stack->modules[from].level;
	unsigned int at = from + 1;

	for (; over > 0 && at < stack->count && stack->modules[at].level >= level; over--)
		do
			at++;
		while (at < stack->count && stack->modules[at].level > level);
	return at;
}

/* Is module `other` in the stack of `one`, or in a substack of it? */
static bool is_within(const struct stack *stack, unsigned int one, unsigned int other)
{
	for (unsigned int at = one + 1; at <= other; at++)
		if (stack->modules[at].level < stack->modules[one].level)
			return false;
	return true;
}

/* Can this module keep our one from being called, and the session still open? */
static bool may_skip(const struct stack *stack, unsigned int module, unsigned int ours)
{
	const struct module *earlier = &stack->modules[module];

	if (earlier->ends && is_within(stack, module, ours))
		return true;
	for (unsigned int i = 0; i < earlier->jump_count; i++)
		if (jump_target(stack, module, earlier->jumps[i]) > ours)
			return true;
	return false;
}

static bool surely_runs(const struct stack *stack, unsigned int ours)
{
	for (unsigned int i = 0; i < ours; i++)
		if (may_skip(stack, i, ours))
			return false;
	return true;
}

static enum pam_service_verdict judge_session(const struct stack *stack, const char *service)
{
	bool is_there = false, refuses = false;

	for (unsigned int i = 0; i < stack->count; i++) {
		const struct module *module = &stack->modules[i];

		is_there |= module->is_ours;
		refuses |= module->is_ours && module->refuses;
		if (module->is_ours && module->refuses && !stack->resets && surely_runs(stack, i))
			return PAM_SERVICE_RUNS;
	}
	snprintf(stack->why, stack->size, "in the service %.100s, %s", service,
		 !is_there  ? "our module has no session line"
		 : !refuses ? "the control of our line lets a session open that the module refuses"
		 : stack->resets ? "a line has \"reset\", which can undo what our module refuses"
				 : "a line before ours can end the stack or jump over it");
	return PAM_SERVICE_PERHAPS;
}

enum pam_service_verdict pam_service_examine(const char *const *directories, const char *service,
					     pam_service_reader *read, void *context, char *why,
					     size_t size)
{
	enum pam_service_verdict verdict = PAM_SERVICE_NEVER;
	struct stack stack = { .directories = directories,
			       .read = read,
			       .context = context,
			       .why = why,
			       .size = size };

	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		stack.type = types[i];
		stack.count = 0;
		if (!read_service(&stack, service, 0, 0))
			return PAM_SERVICE_PERHAPS;
		if (i == 0)
			verdict = judge_session(&stack, service);
	}
	if (stack.names_ours)
		return verdict;
	snprintf(why, size, "the service %.100s does not name our module", service);
	return PAM_SERVICE_NEVER;
}
