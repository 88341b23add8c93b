# SPDX-License-Identifier: Apache-2.0
"""Ask a listener of exc-connectd for protocols other than its own, on kept connections.

edges.py URL GOOD MISSING [SESSION]: GOOD is a path that answers 200, MISSING the error code of what is
not there, SESSION the path of a WebSocket that is. Prints what went wrong, and fails if anything did.
"""
import socket
import sys
from urllib.parse import urlsplit

ROUNDS = 3
WAIT_SECONDS = 30  # valgrind is slow
UNSUPPORTED = b"request.upgrade_unsupported"
OPENING = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
SETTINGS = "HTTP2-Settings: AAMAAABkAAQAAP__\r\n"

url, good, missing = sys.argv[1:4]
address = urlsplit(url)
failures = []


def request(headers="", method="GET", path=good, body=""):
    if method == "POST":
        headers += f"Content-Length: {len(body)}\r\n"
    return f"{method} {path} HTTP/1.1\r\nHost: x\r\nX-Exc-Metadata: 1\r\n{headers}\r\n{body}".encode()


def upgrade(to, more="", connection="Connection: Upgrade\r\n", **how):
    return request("".join(f"{connection}Upgrade: {name}\r\n" for name in to) + more, **how)


def answer(reader):
    """Status and body of one answer; 0 at the end of the connection, -1 where nothing comes."""
    try:
        words = reader.readline().split()
        length = 0
        while (line := reader.readline()) not in (b"\r\n", b""):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        return (int(words[1]) if len(words) > 1 else 0), reader.read(length)
    except ConnectionResetError:  # closed before it had read everything
        return 0, b""
    except TimeoutError:
        return -1, b""


# Name, bytes, the statuses that may be answered, the error's code. libwebsockets itself answers 403 to
# protocols that it does not know, before it asks exc-connectd.
attacks = [
    ("foo", upgrade(["foo"]), (403,), b""),
    ("foo without Connection", upgrade(["foo"], connection=""), (403,), b""),
    ("a list", upgrade(["websocket, foo"], OPENING), (403,), b""),
    ("a list, the other way", upgrade(["foo, websocket"], OPENING), (403,), b""),
    ("longer than websocket", upgrade(["websockets"], OPENING), (403,), b""),
    ("a long name", upgrade(["x" * 2000]), (403,), b""),
    ("a name that is too long", upgrade(["x" * 70000]), (0, 400, 403, 431), b""),
    ("foo with a body", upgrade(["foo"], method="POST", body="{}" * 50), (403,), b""),
    ("foo, and more behind it", upgrade(["foo"]) + request(), (0, 403), b""),
    ("h2c", upgrade(["h2c"], SETTINGS), (400,), UNSUPPORTED),
    ("H2C without settings", upgrade(["H2C"]), (400,), UNSUPPORTED),
    ("h2c without Connection", upgrade(["h2c"], SETTINGS, connection=""), (400,), UNSUPPORTED),
    ("h2c with a body", upgrade(["h2c"], SETTINGS, method="POST", body="{}" * 50), (400,), UNSUPPORTED),
    ("h2c, and more behind it", upgrade(["h2c"], SETTINGS) + request(), (0, 400), b""),
    ("two headers", upgrade(["websocket", "h2c"], SETTINGS + OPENING), (400,), UNSUPPORTED),
    ("two headers, the other way", upgrade(["h2c", "websocket"], SETTINGS + OPENING), (400,), UNSUPPORTED),
    ("a WebSocket where there is none", upgrade(["websocket"], OPENING), (404,), missing.encode()),
    ("a WebSocket in capitals", upgrade(["WebSocket"], OPENING), (404,), missing.encode()),
    ("CONNECT", request(method="CONNECT", path="/"), (0, 400, 403, 405), b""),
]
# Admitted, and then refused by libwebsockets; the session is used after that.
if len(sys.argv) > 4:
    attacks.append(("a WebSocket without Connection",
                    upgrade(["websocket"], OPENING, connection="", path=sys.argv[4]), (0, 409), b""))


def attack(name, payload, statuses, code, before):
    """Send it after `before` ordinary requests on one connection, with the third in the same bytes."""
    where = f"{url}: {name}, after {before} requests"
    with socket.create_connection((address.hostname, address.port), WAIT_SECONDS) as connection:
        reader = connection.makefile("rb")
        for i in range(before):
            connection.sendall(request() + (payload if i == 2 else b""))
            status, _ = answer(reader)
            if status != 200:
                failures.append(f"{where}: an ordinary request got {status}")
        if before < 3:
            connection.sendall(payload)
        status, body = answer(reader)
        if status not in statuses or code not in body:
            failures.append(f"{where}: {status} {body}")
        status, body = answer(reader) if status > 0 else (status, b"")
        if status != 0:
            failures.append(f"{where}: the connection goes on, with {status}")


for turn in range(ROUNDS):
    for one in attacks:
        attack(*one, before=(1, 3, 0)[turn])
print("\n".join(failures))
sys.exit(1 if failures else 0)
