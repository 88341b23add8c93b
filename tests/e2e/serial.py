# SPDX-License-Identifier: Apache-2.0
"""A serial console as qemu's -serial unix: gives it: prints nothing until a key is pressed, then echoes
each line in capitals, and leaves what it got in a file."""
import contextlib
import socket
import sys

path, record = sys.argv[1:]
server = socket.socket(socket.AF_UNIX)
server.bind(path)
server.listen(4)
print("ready", flush=True)
while True:
    connection, _ = server.accept()
    with contextlib.suppress(OSError), connection, open(record, "wb", buffering=0) as file:
        while data := connection.recv(4096):
            file.write(data)
            connection.sendall(b"vm42 says: " + data.upper() + b"\r\n")
