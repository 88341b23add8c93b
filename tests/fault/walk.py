#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Walk a fault through every system call and allocation of the agent and the module.

Usage: walk.py CONNECTION MODULE SHIM SIGNING-KEY PORT [--all] [--step STEP] [--kind KIND]

For tests/fault/walk, inside the guest. CONNECTION and SHIM are the two helpers; the endpoint, on PORT of
127.0.0.1, signs grants with SIGNING-KEY. After each fault the same key is tried twice more, then a fresh one,
then an ordinary one. Prints a line for whatever must not be, and a table at the end.
"""
import argparse
import base64
import collections
import http.server
import json
import os
import struct
import subprocess
import sys
import threading
import time
import urllib.parse

from cryptography.hazmat.primitives import hashes, serialization

# What the agent may take: its timeout_ms, its watchdog's slack, and a busy machine's share
STEP_SECONDS = 3
# A program that makes more calls than this does not end.
POINTS_MAX = 20000
# Without --all, one of so many: of allocations, of which OpenSSL makes thousands, of the dynamic linker's calls, and
# of the points at which it is more than one call that fails
ALLOCATIONS_STRIDE = 97
LOADING_STRIDE = 11
OTHERS_STRIDE = 3
LEDGER = "/run/exc-instance-connect"
BACK_OFF = LEDGER + "/endpoint.failures"
# The agent's note since when there is the ledger. Without it, what tmpfiles.d has left is turned into one.
MADE = (LEDGER + "/used/made", LEDGER + "/bound/made")
DESCRIPTORS = "/run/fault/descriptors"
STEPS = ("offer", "proof", "session", "ordinary")
KINDS = ("call", "calls", "kill", "memory", "memory-gone")


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Endpoint:
    """Serves a grant for each key that it has made, and the signed time."""

    def __init__(self, key_file, port):
        with open(key_file, "rb") as pem:
            self.key = serialization.load_pem_private_key(pem.read(), None)
        self.grants = {}
        endpoint = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # head and body leave together

            def do_GET(self):
                asked = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query))
                body = json.dumps(endpoint.answer(asked)).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, *_):
                pass  # killed clients are what this is about

        server = Server(("127.0.0.1", port), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()

    def sign(self, kind, claims):
        header = {"alg": "EdDSA", "typ": kind, "kid": "walk"}
        text = ".".join(base64url(json.dumps(part).encode()) for part in (header, claims))
        return text + "." + base64url(self.key.sign(text.encode()))

    def answer(self, asked):
        grant = self.grants.get(asked["fingerprint"])
        return {
            "instance_id": "42",
            "grants": [grant] if grant else [],
            "time": self.sign(
                "exc-time+jwt",
                {"aud": "exc:compute:instance/42", "nonce": asked["nonce"], "iat": int(time.time())},
            ),
        }

    def new_key(self):
        """A key with a grant, as the arguments that sshd would give the agent."""
        kind = b"ssh-ed25519"
        blob = struct.pack(">I", len(kind)) + kind + struct.pack(">I", 32) + os.urandom(32)
        digest = hashes.Hash(hashes.SHA256())
        digest.update(blob)
        fingerprint = "SHA256:" + base64.b64encode(digest.finalize()).rstrip(b"=").decode()
        key = ["ubuntu", fingerprint, kind.decode(), base64.b64encode(blob).decode()]
        now = int(time.time())
        self.grants = {
            fingerprint: self.sign(
                "exc-grant+jwt",
                {
                    "iss": "walk",
                    "aud": "exc:compute:instance/42",
                    "sub": "ubuntu",
                    "iat": now,
                    "exp": now + 60,
                    "jti": base64url(os.urandom(16)),
                    "ssh_key": " ".join(key[2:]),
                    "caller": "user:walk",
                    "request_id": "walk",
                },
            )
        }
        return key


Result = collections.namedtuple("Result", "entered seconds points phase state call error wrong")


class Walk:
    def __init__(self, options):
        self.options = options
        self.endpoint = Endpoint(options.key, options.port)
        self.totals = collections.OrderedDict()

    def connect(self, key, *fault):
        shim = [self.options.shim] if fault else []
        said = subprocess.run(
            [self.options.connection, self.options.module, *key, *map(str, fault), *shim], stdout=subprocess.PIPE, check=True
        ).stdout.decode()
        entered, seconds, points, phase, state, call, error, wrong = said.rstrip("\n").split(" ", 7)
        return Result(entered == "in", float(seconds), int(points), phase, state, call, error, wrong)

    @staticmethod
    def trace():
        """What a run can leave behind: everything in the ledger, but for what is below a key's folder."""
        names = sorted(os.listdir(LEDGER))
        return [(name, os.stat(os.path.join(LEDGER, name)).st_ctime_ns) for name in names]

    def ordinary(self):
        """A session by a key that no grant names."""
        return self.connect(self.endpoint.new_key(), "ordinary", "none", 0, 0)

    def complain(self, row, what, where, result):
        self.totals[row][what] += 1
        print(f"{what}: {where} {result.call} {result.error} {result.wrong}".rstrip(), flush=True)

    def check_descriptors(self, row, where, result):
        """What next_command has listed: its three, and the folder itself."""
        if not os.path.exists(DESCRIPTORS):
            return
        self.totals[row]["looks"] += 1
        with open(DESCRIPTORS) as listed:
            lines = listed.read().split()
        os.remove(DESCRIPTORS)
        if set(lines) - {"0", "1", "2", "3"}:
            self.complain(row, "leaks", where + " " + ",".join(lines), result)

    def after_any(self, row, where, result):
        self.totals[row]["let in"] += result.entered
        # The dynamic linker's own end is not ours.
        if result.wrong and result.phase == "running":
            self.complain(row, "crashes", where, result)
        if result.seconds > STEP_SECONDS:
            self.complain(row, "hangs", where, result)
        self.check_descriptors(row, where, result)

    def after(self, row, where, key, result):
        """What must hold after a fault, whatever it did."""
        counts = self.totals[row]
        self.after_any(row, where, result)
        if os.path.exists(BACK_OFF):
            counts["back-offs"] += 1
            os.remove(BACK_OFF)
        sessions = result.entered + self.connect(key).entered
        if sessions == 1 and not result.entered:
            sessions += self.connect(key).entered
        if sessions > 1:
            self.complain(row, "double uses", where, result)
        if not self.connect(self.endpoint.new_key()).entered or not self.ordinary().entered:
            self.complain(row, "lockouts", where, result)

    def after_ordinary(self, row, where, result):
        """An ordinary login gets in, whatever fails in the module."""
        self.after_any(row, where, result)
        if not result.entered and "kill" not in row:
            self.complain(row, "lockouts", where, result)

    def one(self, row, step, kind, point, choice):
        key = self.endpoint.new_key()
        if step == "offer":
            for made in MADE:
                if os.path.exists(made):
                    os.remove(made)
        before = self.trace()
        result = self.connect(key, step, kind, point, choice)
        if result.state == "untouched" or (result.error == "-" and kind != "kill"):
            return result  # a call that cannot fail in this way
        self.totals[row]["faults"] += 1
        where = f"{step} {kind} {point}"
        if step == "ordinary":
            self.after_ordinary(row, where, result)
        elif step == "offer" and not result.entered and self.trace() == before:
            self.after_any(row, where, result)  # as if nobody had ever come
        else:
            self.after(row, where, key, result)
        return result

    def stride(self, kind, result):
        if self.options.all:
            return 1
        if "memory" in kind:
            return ALLOCATIONS_STRIDE
        if result.phase == "loading":
            return LOADING_STRIDE
        return 1 if kind == "call" else OTHERS_STRIDE

    def row(self, step, kind):
        """One program, one kind of fault, from the first point until it goes by untouched."""
        row = f"{step}, {kind}"
        self.totals[row] = collections.Counter()
        point = 1
        while point < POINTS_MAX:
            # One of the errors, each in its turn; or all
            choice = 0 if self.options.all else point
            while True:
                result = self.one(row, step, kind, point, choice)
                if result.state != "done" or not self.options.all:
                    break
                choice += 1
            if result.state == "untouched":
                if not result.entered:
                    self.complain(row, "lockouts", f"{step} {kind} untouched", result)
                return
            self.totals[row]["points"] += 1
            point += self.stride(kind, result)
        sys.exit(f"walk: {row} does not end")

    def table(self):
        columns = ("points", "faults", "let in", "back-offs", "double uses", "lockouts", "crashes", "hangs", "leaks")
        if any(counts["looks"] for counts in self.totals.values()):
            columns += ("looks",)  # at the next command's descriptors
        print("\n" + " " * 24 + "".join(f"{column:>13}" for column in columns))
        total = collections.Counter()
        for row, counts in self.totals.items():
            total += counts
            print(f"{row:24}" + "".join(f"{counts[column]:13}" for column in columns))
        print(f"{'together':24}" + "".join(f"{total[column]:13}" for column in columns))
        return sum(total[column] for column in columns[4:9]) == 0

    def run(self):
        begin = time.monotonic()
        for step in self.options.step or STEPS:
            for kind in self.options.kind or KINDS:
                self.row(step, kind)
        good = self.table()
        print(f"{time.monotonic() - begin:.0f} s")
        return 0 if good else 1


parser = argparse.ArgumentParser(usage=__doc__)
parser.add_argument("connection")
parser.add_argument("module")
parser.add_argument("shim")
parser.add_argument("key")
parser.add_argument("port", type=int)
parser.add_argument("--all", action="store_true")
parser.add_argument("--step", action="append", choices=STEPS)
parser.add_argument("--kind", action="append", choices=KINDS)
sys.exit(Walk(parser.parse_args()).run())
