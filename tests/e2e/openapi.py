# SPDX-License-Identifier: Apache-2.0
"""Give every answer that the API's description documents, and validate each against it.

openapi.py COMPUTE TOKEN OTHER_TOKEN STRANGER_TOKEN LAST_TOKEN SOCKET_TOKEN DATABASE: the address; a token that may
do everything, one that may do nothing, one of another organisation that may do everything, and two more that
may do everything to instances.
"""
import hashlib
import http.client
import json
import re
import socket
import sqlite3
import sys
import urllib.parse

import jsonschema

COMPUTE, TOKEN, OTHER_TOKEN, STRANGER_TOKEN, LAST_TOKEN, SOCKET_TOKEN, DATABASE = sys.argv[1:]
CONNECT = "/compute/instance/connect"
TERMINAL = CONNECT + "/ws/{id}"
TUNNEL = CONNECT + "/tunnel/{id}"
CONSOLE = "/compute/instance/console/ws/{id}"
EVENTS = "/compute/instance/{id}/connect/events"
OK = '{"vm_id":42,"user":"ubuntu"}'


still_open = []


def call(url, method, path, body=None, token=TOKEN, headers=None):
    server = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(server.hostname, server.port, timeout=20)
    headers = dict(headers or {})
    if token:
        headers["Authorization"] = "Bearer " + token
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    if answer.status == 101:
        still_open.append(connection)
    return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()


SPEC = json.loads(call(COMPUTE, "GET", "/openapi.json", token=None)[2])
documented = {(path, method, int(status)) for path, item in SPEC["paths"].items()
              for method, operation in item.items() for status in operation["responses"]}
seen = set()


def expect(status, path, method="get", body=None, actual=None, **how):
    """Make a request whose answer has this status, and hold it against the description."""
    got, headers, content = call(COMPUTE, method.upper(), actual or path, body, **how)
    assert got == status, (method, path, got, content)
    answer = SPEC["paths"][path][method]["responses"][str(status)]
    if status == 101:
        seen.add((path, method, status))
        return content
    media = answer["content"].get(headers["content-type"].split(";")[0])
    assert media is not None, headers["content-type"]
    for name in answer.get("headers", {}):
        value = int(headers[name.lower()])
        jsonschema.validate(value, answer["headers"][name]["schema"])
    if headers["content-type"] == "application/json":
        schema = dict(media["schema"], components=SPEC["components"])
        value = json.loads(content)
        jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker()).validate(value)
        code = value.get("error", {}).get("code") if isinstance(value, dict) else None
        # Every code that is given stands in the description of its answer, whole or by its beginning.
        words = re.findall(r"[a-z_]+(?:\.[a-z_]+)+", answer["description"])
        assert code is None or any(code == w or (w.endswith("_") and code.startswith(w)) for w in words), (code, words)
    seen.add((path, method, status))
    return content


def session():
    """The id of a new session, whose key pair the server has made."""
    return json.loads(call(COMPUTE, "POST", CONNECT, OK, token=SOCKET_TOKEN)[2])["id"]


def expect_socket(status, path, name, **how):
    """The same for a request that would open a WebSocket."""
    headers = dict(how.pop("headers", {}), Upgrade="websocket", Connection="Upgrade")
    headers.update({"Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "MDEyMzQ1Njc4OWFiY2RlZg=="})
    expect(status, path, actual=path.replace("{id}", name), headers=headers, **how)


def sockets_of_sessions(path):
    used = session()
    expect_socket(101, path, used, token=None)
    expect_socket(409, path, used, token=None)
    expect(426, path, actual=path.replace("{id}", session()))
    expect_socket(400, path, session(), headers={"Sec-WebSocket-Protocol": "chat"})
    expect_socket(401, path, session(), token="x")
    expect_socket(403, path, session(), headers={"Origin": "https://elsewhere.example"})
    expect_socket(403, path, session(), token=OTHER_TOKEN)
    expect_socket(404, path, "a" * 32, token=None)
    old = session()
    database.execute("UPDATE sessions SET expires = 1 WHERE id_hash = ?", (hashlib.sha256(old.encode()).hexdigest(),))
    database.commit()
    expect_socket(410, path, old, token=None)
    locked = session()
    database.execute("BEGIN IMMEDIATE")
    expect_socket(503, path, locked, token=None)
    database.execute("ROLLBACK")


def sockets_of_consoles(path):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(DATABASE + ".console")
    listener.listen()
    expect_socket(101, path, "42")
    expect_socket(409, path, "42")
    expect(426, path, actual=path.replace("{id}", "42"))
    expect_socket(400, path, "42", headers={"Sec-WebSocket-Protocol": "chat"})
    expect_socket(401, path, "42", token="x")
    expect_socket(403, path, "42", token=OTHER_TOKEN)
    expect_socket(404, path, "42", token=STRANGER_TOKEN)
    expect_socket(404, path, "43")
    expect_socket(503, path, "44")


jsonschema.Draft202012Validator.check_schema({"components": SPEC["components"]})
database = sqlite3.connect(DATABASE, timeout=20)

expect(200, CONNECT, "post", OK)
expect(200, CONNECT, "post", OK, headers={"Idempotency-Key": "one"})
expect(200, CONNECT, "post", '{"vm_id":"42","user":"ubuntu","command":"id","source":["192.0.2.0/24"]}')
for body in ("", "{}", '{"vm_id":42,"user":7}', '{"vm_id":42,"user":"ubuntu","public_key":"x"}', '{"vm_id":42,"user":"ubuntu","x":1}',
             '{"vm_id":42,"user":"ubuntu","command":7}', '{"vm_id":42,"user":"ubuntu","source":"x"}'):
    expect(400, CONNECT, "post", body)
expect(400, CONNECT, "post", OK, headers={"Idempotency-Key": "a b"})
expect(401, CONNECT, "post", OK, token="exc_wrong")
expect(403, CONNECT, "post", OK, token=OTHER_TOKEN)
expect(403, CONNECT, "post", '{"vm_id":42,"user":"nobody"}')
expect(404, CONNECT, "post", OK, token=STRANGER_TOKEN)
expect(422, CONNECT, "post", '{"vm_id":42,"user":"deploy"}', headers={"Idempotency-Key": "one"})
expect(413, CONNECT, "post", " " * (2 << 20))

expect(200, EVENTS, actual="/compute/instance/42/connect/events?limit=5")
expect(200, EVENTS, actual="/compute/instance/42/connect/events?limit=1&event=issued&since=2026-01-01T00:00:00Z")
for wrong in ("limit=x", "before=x", "since=x", "until=x"):
    expect(400, EVENTS, actual="/compute/instance/42/connect/events?" + wrong)
expect(401, EVENTS, actual="/compute/instance/42/connect/events", token=None)
expect(403, EVENTS, actual="/compute/instance/42/connect/events", token=OTHER_TOKEN)
expect(404, EVENTS, actual="/compute/instance/42/connect/events", token=STRANGER_TOKEN)

expect(200, "/iam/me")
expect(401, "/iam/me", token="x")
expect(200, "/healthz", token=None)
expect(200, "/openapi.json", token=None)
expect(200, "/metrics")
expect(401, "/metrics", token=None)
expect(403, "/metrics", token=OTHER_TOKEN)

# An answer that was kept, and is not any more: what a restart does, or a day.
database.execute("INSERT INTO idempotency SELECT principal, 'old', request_hash, jti, expires FROM idempotency")
database.commit()
expect(409, CONNECT, "post", OK, headers={"Idempotency-Key": "old"})

# Somebody else writes, and does not end.
database.isolation_level = None
database.execute("BEGIN IMMEDIATE")
expect(503, CONNECT, "post", OK)
expect(503, "/iam/me")
database.execute("ROLLBACK")
expect(200, CONNECT, "post", OK)

sockets_of_sessions(TERMINAL)
sockets_of_sessions(TUNNEL)
sockets_of_consoles(CONSOLE)

one_more = [session() for _ in range(2)]
for _ in range(100):
    if call(COMPUTE, "GET", "/iam/me", token=SOCKET_TOKEN)[0] == 429:
        break
expect_socket(429, TERMINAL, one_more[0], token=None)
expect_socket(429, TUNNEL, one_more[1], token=None)

for _ in range(100):
    status = call(COMPUTE, "POST", CONNECT, OK)[0]
    if status == 429:
        break
expect(429, CONNECT, "post", OK)
expect(429, EVENTS, actual="/compute/instance/42/connect/events")
expect(429, "/iam/me")
expect(429, "/metrics")
expect_socket(429, CONSOLE, "42")

# The database is not what it was.
database.execute("ALTER TABLE audit RENAME TO elsewhere")
expect(503, EVENTS, actual="/compute/instance/42/connect/events", token=LAST_TOKEN)
database.execute("ALTER TABLE audit_head RENAME TO head_elsewhere")
expect(503, "/healthz", token=None)

assert seen == documented, f"never given: {documented - seen}; not documented: {seen - documented}"
print(f"{len(seen)} documented answers were given")
