# SPDX-License-Identifier: Apache-2.0
"""Stand between a client and the compute API, and be the trouble that MODE names.

drop: pass the first request on and hang up instead of answering; pass on all that follow.
done: answer the first with compute.idempotency.done, as if its answer had been lost long ago.
limited: answer the first with 429 and Retry-After: 1; busy: the same with 3600, always.
redirect, html, garbage, huge: answer so, always. Every request is a line in RECORD: its method, path and
Idempotency-Key."""
import http.server
import sys
import urllib.error
import urllib.request

mode, port, record = sys.argv[1], int(sys.argv[2]), sys.argv[3]
REAL = "http://127.0.0.1:8443"
LIMITED = b'{"error":{"code":"compute.rate_limited","message":"too many","request_id":"req_busy"}}'
DONE = b'{"error":{"code":"compute.idempotency.done","message":"done","request_id":"req_done"}}'
seen = 0


class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self, status, body, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def ask_real(self, body):
        wanted = ("Authorization", "Idempotency-Key", "Content-Type")
        headers = {name: self.headers[name] for name in wanted if self.headers[name]}
        request = urllib.request.Request(REAL + self.path, data=body, headers=headers)
        try:
            with urllib.request.urlopen(request) as reply:
                return reply.status, reply.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def do_GET(self):
        global seen
        seen += 1
        length = int(self.headers["Content-Length"] or 0)
        body = self.rfile.read(length) if length else None
        with open(record, "a", encoding="ascii") as file:
            print(self.command, self.path, self.headers["Idempotency-Key"], file=file)
        if mode == "redirect":
            self.answer(302, b"", Location="http://127.0.0.1:1/")
        elif mode == "html":
            self.answer(502, b"<html>Bad Gateway</html>")
        elif mode == "garbage":
            self.answer(200, b"\033[31mnot JSON")
        elif mode == "huge":
            self.answer(200, b" " * 3_000_000)
        elif mode == "done" and seen == 1:
            self.answer(409, DONE)
        elif mode == "busy" or (mode == "limited" and seen == 1):
            self.answer(429, LIMITED, Retry_After="3600" if mode == "busy" else "1")
        else:
            status, reply = self.ask_real(body)
            if mode == "drop" and seen == 1:
                self.close_connection = True
            else:
                self.answer(status, reply)

    do_POST = do_GET

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
print("ready", flush=True)
server.serve_forever()
