#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A stand-in for EC2's instance metadata service, version 2.

Usage: imds.py FOLDER ADDRESS PORT [--any-connection] [--closing] [--log FILE] [--answer WHAT STATUS]

Serves the files below FOLDER as /latest/meta-data/; a folder is a list of its names. It insists on a
session token, and on the connection that the token was sent over; --any-connection takes it over
others too. --closing closes each connection when a second request comes over it. --log writes a line
for each request: the number of its connection, method, path and status. --answer has "token", "keys" or "rest" answered with this status and nothing else; status 0:
not answered. Prints "ready" once it listens.
"""
import os
import socket
import sys
import threading

PREFIX = "/latest/meta-data/"
REASONS = {200: "OK", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
           400: "Bad Request", 503: "Service Unavailable"}

arguments = sys.argv[1:]
if "--help" in arguments or len(arguments) < 3:
    print(__doc__)
    sys.exit(0 if "--help" in arguments else 2)
folder, address, port = arguments[0], arguments[1], int(arguments[2])
any_connection = "--any-connection" in arguments
closing = "--closing" in arguments
log = open(arguments[arguments.index("--log") + 1], "a", buffering=1) if "--log" in arguments else None
fixed = {}
if "--answer" in arguments:
    at = arguments.index("--answer")
    fixed[arguments[at + 1]] = int(arguments[at + 2])
tokens = {}


def kind_of(path):
    if path == "/latest/api/token":
        return "token"
    return "keys" if "/active-keys/" in path else "rest"


def read(path):
    """The file below the folder, or its list, or None."""
    name = os.path.join(folder, path[len(PREFIX):].strip("/").replace("%40", "@"))
    try:
        with open(name, "rb") as file:
            return file.read()
    except IsADirectoryError:
        return "\n".join(sorted(os.listdir(name))).encode()
    except OSError:
        return None


def answer(number, method, path, headers):
    """Status and body."""
    status = fixed.get(kind_of(path))
    if status is not None:
        return status, b""
    if "x-forwarded-for" in headers:
        return 403, b""
    if path == "/latest/api/token":
        seconds = headers.get("x-aws-ec2-metadata-token-ttl-seconds", "")
        if method != "PUT":
            return 405, b""
        if not seconds.isdigit() or not 1 <= int(seconds) <= 21600:
            return 400, b""
        token = "AQAEA" + os.urandom(25).hex() + "=="
        tokens[token] = number
        return 200, token.encode()
    owner = tokens.get(headers.get("x-aws-ec2-metadata-token"))
    if owner is None or (owner != number and not any_connection):
        return 401, b""
    body = read(path) if method == "GET" and path.startswith(PREFIX) else None
    return (404, b"") if body is None else (200, body)


def serve(client, number):
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    data = b""
    asked_before = False
    while True:
        while b"\r\n\r\n" not in data:
            got = client.recv(65536)
            if not got:
                return
            data += got
        head, data = data.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        method, path, _ = lines[0].split(" ")
        headers = {}
        for line in lines[1:]:
            name, value = line.split(":", 1)
            headers[name.lower()] = value.strip()
        if closing and asked_before:
            return
        asked_before = True
        status, body = answer(number, method, path, headers)
        if log:
            log.write("%d %s %s %d\n" % (number, method, path, status))
        if status == 0:
            client.recv(1)  # until the client goes away
            return
        client.sendall(b"HTTP/1.1 %d %s\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n"
                       % (status, REASONS[status].encode(), len(body)) + body)


def run(client, number):
    try:
        serve(client, number)
    except OSError:
        pass  # the client has had enough
    client.close()


listener = socket.create_server((address, port), backlog=64)
print("ready", flush=True)
connections = 0
while True:
    connection, _ = listener.accept()
    connections += 1
    threading.Thread(target=run, args=(connection, connections), daemon=True).start()
