#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A metadata endpoint that misbehaves, for the end-to-end tests.

Usage: bad_endpoint.py MODE ADDRESS PORT [FILE]

MODE is one of
  silent    accept, and say nothing
  gigabyte  send a body of a gigabyte
  redirect  send the client to another address
  half      send half of a JSON, and close
  cut       promise more than comes
  slow      send one byte each tenth of a second
  headers   send headers without end
  status    answer with 500
  record    answer with no grants, and write each request line to FILE
  answer    answer with what FILE holds, whatever is asked
Prints "ready" once it listens.
"""
import socket
import sys
import threading
import time

if len(sys.argv) < 4:
    print(__doc__)
    sys.exit(0 if "--help" in sys.argv else 2)
mode, address, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def read_request(client):
    data = b""
    while b"\r\n\r\n" not in data:
        got = client.recv(4096)
        if not got:
            break
        data += got
    return data


def misbehave(client):
    request = read_request(client)
    if mode == "silent":
        client.recv(1)  # until the client goes away
    elif mode == "gigabyte":
        client.sendall(HEAD + b"Content-Length: 1073741824\r\n\r\n")
        for _ in range(1024):
            client.sendall(b" " * 1048576)
    elif mode == "redirect":
        client.sendall(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n")
    elif mode == "half":
        client.sendall(HEAD + b'Connection: close\r\n\r\n{"instance_id":"42","grants":["eyJ')
    elif mode == "cut":
        client.sendall(HEAD + b'Content-Length: 1000\r\n\r\n{"grants":[')
    elif mode == "slow":
        client.sendall(HEAD + b"Content-Length: 1000\r\n\r\n")
        while True:
            client.sendall(b" ")
            time.sleep(0.1)
    elif mode == "headers":
        client.sendall(HEAD)
        while True:
            client.sendall(b"X-More: " + b"x" * 1000 + b"\r\n")
    elif mode == "status":
        client.sendall(b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n")
    elif mode == "record":
        with open(sys.argv[4], "ab") as log:
            log.write(request.split(b" HTTP/")[0] + b"\n")
        client.sendall(HEAD + b'Content-Length: 13\r\n\r\n{"grants":[]}')
    elif mode == "answer":
        with open(sys.argv[4], "rb") as file:
            body = file.read()
        client.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)


def serve(client):
    try:
        misbehave(client)
    except OSError:
        pass  # the client has had enough
    client.close()


listener = socket.create_server((address, port), backlog=64)
print("ready", flush=True)
while True:
    connection, _ = listener.accept()
    threading.Thread(target=serve, args=(connection,), daemon=True).start()
