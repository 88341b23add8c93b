#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Other ways to a metadata endpoint, for the end-to-end tests. Runs in the guest, whose address the
endpoint knows it by.

Usage: front.py relay ADDRESS PORT TO TO-PORT [CERTIFICATE KEY]
       front.py name ADDRESS PORT NAME IPV4

relay  passes on what comes, out of TLS if there is a certificate
name   a DNS server that knows one name
Prints "ready" once it listens.
"""
import asyncio
import socket
import ssl
import sys


async def pump(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


async def relay(address, port, to, to_port, certificate=None, key=None):
    async def passed(reader, writer):
        try:
            inner, outer = await asyncio.open_connection(to, int(to_port))
            await asyncio.gather(pump(reader, outer), pump(inner, writer))
        except OSError:
            writer.close()

    context = None
    if certificate:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate, key)
    server = await asyncio.start_server(passed, address, int(port), ssl=context)
    print("ready", flush=True)
    await server.serve_forever()


def answer(query, name, ipv4):
    """RFC 1035: the question again, and an address if that is what it is about."""
    wanted = b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0"
    question = query[12:12 + len(wanted) + 4]
    known = question[:len(wanted)].lower() == wanted
    is_a = known and question[len(wanted):] == b"\0\1\0\1"
    flags = b"\x81\x80" if known else b"\x81\x83"
    record = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + socket.inet_aton(ipv4) if is_a else b""
    return query[:2] + flags + b"\0\1" + bytes([0, is_a]) + b"\0\0\0\0" + question + record


def serve_name(address, port, name, ipv4):
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((address, int(port)))
    print("ready", flush=True)
    while True:
        query, client = server.recvfrom(4096)
        server.sendto(answer(query, name, ipv4), client)


if len(sys.argv) < 2 or sys.argv[1] not in ("relay", "name"):
    print(__doc__)
    sys.exit(0 if "--help" in sys.argv else 2)
if sys.argv[1] == "relay":
    asyncio.run(relay(*sys.argv[2:]))
else:
    serve_name(*sys.argv[2:])
