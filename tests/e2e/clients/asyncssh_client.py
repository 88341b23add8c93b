#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Log in with asyncssh and a private key in a file, and print what a command prints.

Usage: asyncssh_client.py KEY USER HOST KNOWN_HOSTS COMMAND
"""
import asyncio
import sys

import asyncssh


async def main(key, user, host, known_hosts, command):
    async with asyncssh.connect(host, username=user, client_keys=[key], known_hosts=known_hosts, config=None,
                                agent_path=None) as connection:
        print((await connection.run(command, check=True)).stdout, end="")


asyncio.run(main(*sys.argv[1:]))
