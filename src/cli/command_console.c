/* SPDX-License-Identifier: Apache-2.0 */
/* exc compute console: a VM's serial console, when nothing else answers. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/terminal/console_escape.h"
#include "cli/terminal/options.h"
#include "cli/terminal/say.h"
#include "cli/api/session.h"
#include "cli/terminal/terminal.h"
#include "cli/api/websocket.h"

#define PATH "/compute/instance/console/ws/"

struct console {
	struct terminal terminal;
	struct escape escape;
};

static void opened(void *context)
{
	struct console *console = context;

	if (!isatty(STDIN_FILENO))
		return;
	say("connected to the console; to leave, type ~. at the start of a line, or Ctrl-]");
	terminal_set_raw(&console->terminal, STDIN_FILENO);
}

static size_t filter(void *context, const unsigned char *bytes, size_t length, unsigned char *out,
		     bool *ends)
{
	struct console *console = context;

	return escape_filter(&console->escape, bytes, length, out, ends);
}

static int run_console(const struct account *account, const char *vm_id)
{
	char path[sizeof PATH + VM_ID_SIZE];
	struct console console = { 0 };
	const struct websocket_job job = { .account = account,
					   .path = path,
					   .what = "the console",
					   .input = STDIN_FILENO,
					   .output = STDOUT_FILENO,
					   .outlives_input = true,
					   .opened = opened,
					   .filter = isatty(STDIN_FILENO) ? filter : NULL,
					   .context = &console };
	bool good;

	snprintf(path, sizeof path, PATH "%s", vm_id);
	good = websocket_run(&job);
	terminal_restore(&console.terminal);
	return good ? EXIT_SUCCESS : EXIT_EXC_FAILED;
}

int console_main(int argc, char **argv)
{
	struct account_options from = { 0 };
	const char *vm_id = NULL;
	const struct option list[] = { { "vm-id", "ID", "the VM", &vm_id, NULL },
				       ACCOUNT_OPTIONS(from) };
	const struct options options = { .command = "compute console",
					 .summary = "Open a VM's serial console.",
					 OPTIONS_LIST(list) };
	struct account account;
	char why[SAY_SIZE], **rest;
	int status = EXIT_EXC_FAILED;

	if (!options_read(&options, argc, argv, &rest, &status))
		return status;
	if (vm_id == NULL || !vm_id_is_valid(vm_id)) {
		say("--vm-id is missing, or not the id of a VM");
		return EXIT_EXC_FAILED;
	}
	if (account_load(&from, &account, why, sizeof why))
		status = run_console(&account, vm_id);
	else
		say("%s", why);
	account_forget(&account);
	return status;
}
