/* SPDX-License-Identifier: Apache-2.0 */
/* Log in with libssh and a private key in a file, and print what a command prints.
 * Usage: libssh KEY USER HOST KNOWN_HOSTS COMMAND */
#include <stdio.h>

#include <libssh/libssh.h>

static int fail(ssh_session session, const char *what)
{
	fprintf(stderr, "libssh %s: %s: %s\n", ssh_version(0), what, ssh_get_error(session));
	return 1;
}

int main(int argc, char **argv)
{
	ssh_session session = ssh_new();
	ssh_channel channel;
	ssh_key key = NULL;
	char buffer[256];
	int got;

	if (argc != 6 || session == NULL)
		return 2;
	ssh_options_set(session, SSH_OPTIONS_PROCESS_CONFIG, &(int){ 0 });
	ssh_options_set(session, SSH_OPTIONS_HOST, argv[3]);
	ssh_options_set(session, SSH_OPTIONS_USER, argv[2]);
	ssh_options_set(session, SSH_OPTIONS_KNOWNHOSTS, argv[4]);
	ssh_options_set(session, SSH_OPTIONS_GLOBAL_KNOWNHOSTS, "/dev/null");
	if (ssh_connect(session) != SSH_OK)
		return fail(session, "cannot connect");
	if (ssh_session_is_known_server(session) != SSH_KNOWN_HOSTS_OK)
		return fail(session, "another host key");
	if (ssh_pki_import_privkey_file(argv[1], NULL, NULL, NULL, &key) != SSH_OK)
		return fail(session, "cannot read the key");
	if (ssh_userauth_publickey(session, NULL, key) != SSH_AUTH_SUCCESS)
		return fail(session, "the key is refused");
	channel = ssh_channel_new(session);
	if (channel == NULL || ssh_channel_open_session(channel) != SSH_OK ||
	    ssh_channel_request_exec(channel, argv[5]) != SSH_OK)
		return fail(session, "no session");
	while ((got = ssh_channel_read(channel, buffer, sizeof buffer, 0)) > 0)
		fwrite(buffer, 1, (size_t)got, stdout);
	ssh_channel_free(channel);
	ssh_key_free(key);
	ssh_disconnect(session);
	ssh_free(session);
	return 0;
}
