# SPDX-License-Identifier: Apache-2.0
"""Give every answer that the API's description documents, and validate each against it.

openapi.py COMPUTE TOKEN OTHER_TOKEN STRANGER_TOKEN LAST_TOKEN DATABASE: the address; a token that may do
everything, one that may do nothing, one of another organisation that may do everything, and one more that may.
"""
import http.client
import json
import re
import sqlite3
import sys
import urllib.parse

import jsonschema

COMPUTE, TOKEN, OTHER_TOKEN, STRANGER_TOKEN, LAST_TOKEN, DATABASE = sys.argv[1:]
CONNECT = "/compute/instance/connect"
EVENTS = "/compute/instance/{id}/connect/events"
OK = '{"vm_id":42,"user":"ubuntu"}'


def call(url, method, path, body=None, token=TOKEN, headers=None):
    server = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(server.hostname, server.port, timeout=20)
    headers = dict(headers or {})
    if token:
        headers["Authorization"] = "Bearer " + token
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()


SPEC = json.loads(call(COMPUTE, "GET", "/openapi.json", token=None)[2])
documented = {(path, method, int(status)) for path, item in SPEC["paths"].items()
              for method, operation in item.items() if not operation.get("x-websocket") for status in operation["responses"]}
seen = set()


def expect(status, path, method="get", body=None, actual=None, **how):
    """Make a request whose answer has this status, and hold it against the description."""
    got, headers, content = call(COMPUTE, method.upper(), actual or path, body, **how)
    assert got == status, (method, path, got, content)
    answer = SPEC["paths"][path][method]["responses"][str(status)]
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


jsonschema.Draft202012Validator.check_schema({"components": SPEC["components"]})

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
expect(400, EVENTS, actual="/compute/instance/42/connect/events?limit=x")
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
database = sqlite3.connect(DATABASE, timeout=20)
database.execute("INSERT INTO idempotency SELECT principal, 'old', request_hash, jti, expires FROM idempotency")
database.commit()
expect(409, CONNECT, "post", OK, headers={"Idempotency-Key": "old"})

# Somebody else writes, and does not end.
database.isolation_level = None
database.execute("BEGIN IMMEDIATE")
expect(503, CONNECT, "post", OK)
database.execute("ROLLBACK")
expect(200, CONNECT, "post", OK)

for _ in range(100):
    status = call(COMPUTE, "POST", CONNECT, OK)[0]
    if status == 429:
        break
expect(429, CONNECT, "post", OK)
expect(429, EVENTS, actual="/compute/instance/42/connect/events")
expect(429, "/iam/me")
expect(429, "/metrics")

# The database is not what it was.
database.execute("ALTER TABLE audit RENAME TO elsewhere")
expect(503, EVENTS, actual="/compute/instance/42/connect/events", token=LAST_TOKEN)
database.execute("ALTER TABLE audit_head RENAME TO head_elsewhere")
expect(503, "/healthz", token=None)

assert seen == documented, f"never given: {documented - seen}; not documented: {seen - documented}"
print(f"{len(seen)} documented answers were given")
