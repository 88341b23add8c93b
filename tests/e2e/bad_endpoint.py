#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A metadata endpoint that misbehaves, for the end-to-end tests.

Usage: bad_endpoint.py MODE ADDRESS PORT [FILE]

MODE is one of
  silent    accept, and say nothing
  late      answer after 1.9 seconds, with what is in FILE
  gigabyte  send a body of a gigabyte
  endless   send a body of a gigabyte, in chunks, without saying so before
  chunk     send one chunk's size without end
  interim   send interim answers without end
  302, 301  send the client to another address
  half      send half of a JSON, and close
  cut       promise more than comes
  reset     reset the connection in the middle of the body
  drip      send one byte each second
  slow      send one byte each tenth of a second
  headers   send headers without end
  header    send one header of 1 MiB
  bomb      send a gigabyte of spaces as a compressed body
  grants    send 10,000 grants
  deep      send a JSON that is 100,000 deep
  500, 204  answer with this status
  record    answer with no grants, and write each request line to FILE
  answer    answer with what FILE holds, whatever is asked
  forbidden the same, with status 403
Prints "ready" once it listens.
"""
import gzip
import socket
import struct
import sys
import threading
import time

if len(sys.argv) < 4:
    print(__doc__)
    sys.exit(0 if "--help" in sys.argv else 2)
mode, address, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
MIB = 1048576
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def read_request(client):
    data = b""
    while b"\r\n\r\n" not in data:
        got = client.recv(4096)
        if not got:
            break
        data += got
    return data


def send_body(client, body, *headers):
    head = HEAD + b"".join(header + b"\r\n" for header in headers)
    client.sendall(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)


def send_slowly(client, pause):
    client.sendall(HEAD + b"Content-Length: 1000\r\n\r\n")
    while True:
        client.sendall(b" ")
        time.sleep(pause)


def send_status(client, status, *headers):
    head = b"HTTP/1.1 " + status + b" Oops\r\n" + b"".join(header + b"\r\n" for header in headers)
    client.sendall(head + b"Content-Length: 0\r\n\r\n")


def send_gigabyte(client):
    client.sendall(HEAD + b"Content-Length: 1073741824\r\n\r\n")
    for _ in range(1024):
        client.sendall(b" " * MIB)


def send_endless(client):
    client.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    for _ in range(1024):
        client.sendall(b"%x\r\n" % MIB + b" " * MIB + b"\r\n")


def send_headers(client):
    client.sendall(HEAD)
    while True:
        client.sendall(b"X-More: " + b"x" * 1000 + b"\r\n")


def send_forever(client, start, again):
    client.sendall(start)
    while True:
        client.sendall(again)


def reset(client):
    client.sendall(HEAD + b'Content-Length: 1000\r\n\r\n{"grants":[')
    # Closing with no time to linger is a reset.
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def read_file():
    with open(sys.argv[4], "rb") as file:
        return file.read()


def answer(client, seconds):
    body = read_file()
    time.sleep(seconds)
    send_body(client, body)


def forbid(client):
    body = read_file()
    client.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


def record(client, request):
    with open(sys.argv[4], "ab") as log:
        log.write(request.split(b" HTTP/")[0] + b"\n")
    send_body(client, b'{"grants":[]}')


BOMB = gzip.compress(b" " * MIB) * 1024 if mode == "bomb" else b""
# What each mode does, with the connection and the request
MODES = {
    "silent": lambda client, _: client.recv(1),  # until the client goes away
    "late": lambda client, _: answer(client, 1.9),
    "gigabyte": lambda client, _: send_gigabyte(client),
    "endless": lambda client, _: send_endless(client),
    "chunk": lambda client, _: send_forever(client, HEAD + b"Transfer-Encoding: chunked\r\n\r\n1;", b"x" * MIB),
    "interim": lambda client, _: send_forever(client, b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000),
    "302": lambda client, _: send_status(client, b"302", b"Location: http://127.0.0.1:9/"),
    "301": lambda client, _: send_status(client, b"301", b"Location: http://127.0.0.1:9/"),
    "half": lambda client, _: client.sendall(HEAD + b'Connection: close\r\n\r\n{"instance_id":"42","grants":["eyJ'),
    "cut": lambda client, _: client.sendall(HEAD + b'Content-Length: 1000\r\n\r\n{"grants":['),
    "reset": lambda client, _: reset(client),
    "drip": lambda client, _: send_slowly(client, 1),
    "slow": lambda client, _: send_slowly(client, 0.1),
    "headers": lambda client, _: send_headers(client),
    "header": lambda client, _: send_body(client, b'{"grants":[]}', b"X-Long: " + b"x" * MIB),
    "bomb": lambda client, _: send_body(client, BOMB, b"Content-Encoding: gzip"),
    "grants": lambda client, _: send_body(client, b'{"grants":[' + b",".join([b'"eyJ"'] * 10000) + b"]}"),
    "deep": lambda client, _: send_body(client, b'{"grants":' + b"[" * 100000 + b"]" * 100000 + b"}"),
    "500": lambda client, _: send_status(client, b"500"),
    "204": lambda client, _: send_status(client, b"204"),
    "record": record,
    "answer": lambda client, _: answer(client, 0),
    "forbidden": lambda client, _: forbid(client),
}


def serve(client):
    try:
        MODES[mode](client, read_request(client))
    except OSError:
        pass  # the client has had enough
    client.close()


listener = socket.create_server((address, port), backlog=64)
print("ready", flush=True)
while True:
    connection, _ = listener.accept()
    threading.Thread(target=serve, args=(connection,), daemon=True).start()
