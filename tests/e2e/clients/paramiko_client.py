#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Log in with paramiko and a private key in a file, and print what a command prints.

Usage: paramiko_client.py KEY USER HOST KNOWN_HOSTS COMMAND
"""
import sys

import paramiko

key, user, host, known_hosts, command = sys.argv[1:]
client = paramiko.SSHClient()
client.load_host_keys(known_hosts)
client.connect(host, username=user, key_filename=key, look_for_keys=False, allow_agent=False)
print(client.exec_command(command)[1].read().decode(), end="")
client.close()
