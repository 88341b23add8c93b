#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A metadata endpoint whose grants and signed time are ES256, for guests whose policy has no Ed25519.

Usage: es256_endpoint.py SIGNING-KEY KEYS ADDRESS PORT

Serves a grant, for ubuntu on the instance 42, for each public key KEYS/*.pub.
"""
import base64
import hashlib
import http.server
import json
import pathlib
import sys
import time
import urllib.parse
import uuid

import jwt

signing_key, keys, address, port = sys.argv[1:]
AUDIENCE = "exc:compute:instance/42"
# The name of the trust anchor
KID = "p256"


def sign(kind, claims):
    return jwt.encode(claims, pathlib.Path(signing_key).read_text(), algorithm="ES256", headers={"typ": kind, "kid": KID})


def grant(key):
    issued = int(key.stat().st_mtime)
    return sign(
        "exc-grant+jwt",
        {
            "iss": "es256",
            "aud": AUDIENCE,
            "sub": "ubuntu",
            "iat": issued,
            "exp": issued + 60,
            "jti": uuid.uuid5(uuid.NAMESPACE_URL, str(key)).hex,
            "ssh_key": " ".join(key.read_text().split()[:2]),
            "caller": "user:ana",
            "request_id": "es256",
        },
    )


def fingerprint(key):
    digest = hashlib.sha256(base64.b64decode(key.read_text().split()[1])).digest()
    return "SHA256:" + base64.b64encode(digest).rstrip(b"=").decode()


class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self, status, body=b""):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        asked = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query))
        body = {
            "instance_id": "42",
            "grants": [grant(key) for key in pathlib.Path(keys).glob("*.pub") if fingerprint(key) == asked["fingerprint"]],
            "time": sign("exc-time+jwt", {"aud": AUDIENCE, "nonce": asked["nonce"], "iat": int(time.time())}),
        }
        self.answer(200, json.dumps(body).encode())

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(204)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer((address, int(port)), Handler)
print("ready", flush=True)
server.serve_forever()
