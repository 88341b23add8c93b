# SPDX-License-Identifier: Apache-2.0
"""Listen on a port of 127.0.0.1 that the kernel chooses, print it, and record in RECORD what each client sends.

Each connection is read to the end of its HTTP headers and closed without an answer, one after the other: once
a request of one's own is in the record, so is everything that was sent before it."""
import socket
import sys

HEADERS_MAX = 65536

with socket.create_server(("127.0.0.1", 0)) as server, open(sys.argv[1], "ab", buffering=0) as record:
    print(server.getsockname()[1], flush=True)
    while True:
        client, _ = server.accept()
        with client:
            received = b""
            while b"\r\n\r\n" not in received and len(received) < HEADERS_MAX:
                more = client.recv(4096)
                if not more:
                    break
                received += more
            record.write(b"connection\n" + received)
