# SPDX-License-Identifier: Apache-2.0
"""A client of the control plane's WebSockets, as people write them with python3-websockets.

terminal.py SCENARIO URL [ARGUMENT...]; EXC_TOKEN, if set, goes into the Authorization header, EXC_ORIGIN
into Origin, EXC_CA names a certificate to trust. The close code and reason are the last line of standard error.
"""
import asyncio
import inspect
import os
import ssl
import struct
import sys
import threading

import websockets

PROMPT = "$ "
SECONDS = 30
V1 = "exc.terminal.v1"
DATA, RESIZE, EXIT = 0, 1, 2


def connect(url, **options):
    headers = {}
    if os.environ.get("EXC_TOKEN"):
        headers["Authorization"] = "Bearer " + os.environ["EXC_TOKEN"]
    name = "additional_headers" if "additional_headers" in inspect.signature(websockets.connect).parameters \
        else "extra_headers"
    options[name] = headers
    if os.environ.get("EXC_ORIGIN"):
        options["origin"] = os.environ["EXC_ORIGIN"]
    if os.environ.get("EXC_CA"):
        options["ssl"] = ssl.create_default_context(cafile=os.environ["EXC_CA"])
    return websockets.connect(url, max_size=None, **options)


def text(message):
    return message if isinstance(message, str) else message.decode("utf-8", "replace")


def until_input():
    """Something to await: standard input has a line, or has ended."""
    done = asyncio.get_running_loop().create_future()
    loop = asyncio.get_running_loop()

    def wait():
        sys.stdin.readline()
        loop.call_soon_threadsafe(done.set_result, None)
    threading.Thread(target=wait, daemon=True).start()
    return done


async def until(socket, end):
    """What the shell prints until it has printed `end`."""
    seen = ""
    while end not in seen:
        seen += text(await asyncio.wait_for(socket.recv(), SECONDS))
    return seen


async def rest(socket):
    """Everything until the close, as bytes, and how many messages were text."""
    seen, texts = b"", 0
    try:
        while True:
            message = await asyncio.wait_for(socket.recv(), SECONDS)
            if isinstance(message, str):
                texts += 1
                message = message.encode()
            seen += message
    except websockets.ConnectionClosed:
        return seen, texts


async def command(url, *commands):
    """As clients in the field: wait for a prompt, send a line as text, read until the next prompt."""
    async with connect(url) as socket:
        await until(socket, PROMPT)
        for line in commands:
            await socket.send(line + "\n")
            print(await until(socket, PROMPT))
        return socket


async def bytes_of(url, line):
    """Run one line and print whatever comes, as it comes, until the close."""
    async with connect(url) as socket:
        await until(socket, PROMPT)
        await socket.send("exec " + line + "\n")
        seen, texts = await rest(socket)
        sys.stdout.buffer.write(seen)
        print("text messages:", texts, file=sys.stderr)
        return socket


async def binary(url, line):
    """A client that sends binary gets binary: print the types of what comes after that."""
    async with connect(url) as socket:
        await until(socket, PROMPT)
        await socket.send(line.encode() + b"\n")
        types = set()
        while True:
            try:
                types.add(type(await asyncio.wait_for(socket.recv(), SECONDS)).__name__)
            except websockets.ConnectionClosed:
                break
        print(" ".join(sorted(types)))
        return socket


async def eager(url, *lines):
    """Send before there is a prompt, and print all of it."""
    async with connect(url) as socket:
        for line in lines:
            await socket.send(line + "\n")
        seen, _ = await rest(socket)
        sys.stdout.buffer.write(seen)
        return socket


async def framed(url, *steps):
    """exc.terminal.v1: a step is COLSxROWS or a line; print the data, then the status."""
    async with connect(url, subprotocols=[V1]) as socket:
        assert socket.subprotocol == V1
        seen = b""
        for step in steps:
            if "x" in step and step.replace("x", "").isdigit():
                columns, rows = map(int, step.split("x"))
                await socket.send(struct.pack(">BHH", RESIZE, columns, rows))
            else:
                while PROMPT.encode() not in seen:
                    message = await asyncio.wait_for(socket.recv(), SECONDS)
                    assert message[0] == DATA, message
                    seen += message[1:]
                sys.stdout.buffer.write(seen)
                seen = b""
                await socket.send(bytes([DATA]) + step.encode() + b"\n")
        try:
            while True:
                message = await asyncio.wait_for(socket.recv(), SECONDS)
                if message[0] == EXIT:
                    print("status", struct.unpack(">I", message[1:])[0])
                else:
                    sys.stdout.buffer.write(message[1:])
        except websockets.ConnectionClosed:
            pass
        return socket


async def wrong(url, *messages):
    """exc.terminal.v1 messages in hexadecimal, or text after t:, until the server has had enough."""
    async with connect(url, subprotocols=[V1]) as socket:
        for message in messages:
            await socket.send(message[2:] if message.startswith("t:") else bytes.fromhex(message))
        await rest(socket)
        return socket


async def upload(url, name, line):
    """Run a line, send a file as fast as it goes once that has said "ready", and print what comes."""
    async with connect(url) as socket:
        await until(socket, PROMPT)
        await socket.send(line + "\n")
        await until(socket, "ready")
        reading = asyncio.ensure_future(rest(socket))
        with open(name, "rb") as file:
            while data := file.read(1 << 16):
                await socket.send(data)
        sys.stdout.buffer.write((await reading)[0])
        return socket


async def large(url):
    """One message over the limit."""
    async with connect(url) as socket:
        await until(socket, PROMPT)
        try:
            await socket.send(b" " * (1024 * 1024 + 1))
        except websockets.ConnectionClosed:
            pass
        await rest(socket)
        return socket


async def hold(url, *lines):
    """Run lines, say "ready", and stay until standard input ends."""
    async with connect(url) as socket:
        await until(socket, PROMPT)
        for line in lines:
            await socket.send(line + "\n")
        print("ready", flush=True)
        done = until_input()
        waiting = asyncio.ensure_future(socket.recv())
        while not done.done():
            finished, _ = await asyncio.wait([done, waiting], return_when=asyncio.FIRST_COMPLETED)
            if waiting in finished:
                if waiting.exception():
                    return socket
                waiting = asyncio.ensure_future(socket.recv())
        waiting.cancel()
        return socket


async def idle(url):
    """Say "ready" and wait for the server to close."""
    async with connect(url) as socket:
        print("ready", flush=True)
        await rest(socket)
        return socket


async def slow(url, line):
    """Run a line that prints NULs; read nothing from the prompt on until standard input has a line; then
    read all of it and print how many NULs there were."""
    async with connect(url, max_queue=1, read_limit=4096, ping_interval=None) as socket:
        await until(socket, PROMPT)
        await socket.send("exec " + line + "\n")
        print("ready", flush=True)
        await until_input()
        count = 0
        try:
            while True:
                message = await asyncio.wait_for(socket.recv(), SECONDS)
                count += message.count("\0" if isinstance(message, str) else b"\0")
        except websockets.ConnectionClosed:
            pass
        print(count)
        return socket


async def many(url, *more):
    """Terminals at once, each with its own session: the same line in all of them."""
    async def one(place, number):
        async with turn:
            socket = await connect(place)
            await until(socket, PROMPT)
        await socket.send("echo number-$((%d + 1000))\n" % number)
        await until(socket, "number-%d" % (number + 1000))
        await barrier.wait()
        await socket.send("exit\n")
        await rest(socket)
        return socket.close_code, socket.close_reason

    class Barrier:
        def __init__(self, count):
            self.count, self.event = count, asyncio.Event()

        async def wait(self):
            self.count -= 1
            if self.count == 0:
                print("all open", flush=True)
                await until_input()
                self.event.set()
            await self.event.wait()

    places = (url,) + more
    barrier = Barrier(len(places))
    # Two cores log in so many at once before guests' agents run out of time.
    turn = asyncio.Semaphore(8)
    ends = await asyncio.gather(*(one(place, number) for number, place in enumerate(places)))
    print(len([end for end in ends if end == (1000, "exit status 0")]))


async def half(url, line):
    """Send a line through a tunnel, say that it was the last, and print the answer."""
    async with connect(url) as socket:
        try:
            await socket.send(line.encode())
            await socket.send(b"")
        except websockets.ConnectionClosed:
            pass
        seen, _ = await rest(socket)
        print(seen.decode())
        return socket


async def pump(url):
    """Standard input and output through a tunnel, as a ProxyCommand."""
    async with connect(url, compression=None) as socket:
        loop = asyncio.get_running_loop()

        async def up():
            reader = asyncio.StreamReader(limit=1 << 18)
            await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin.buffer)
            while data := await reader.read(1 << 16):
                await socket.send(data)
            await socket.send(b"")

        async def down():
            try:
                while True:
                    os.write(1, await socket.recv())
            except websockets.ConnectionClosed:
                pass

        uploading = asyncio.ensure_future(up())
        await down()
        uploading.cancel()
        return socket


async def console(url, key, expected):
    """Nothing comes until a key is pressed (we can only wait a while for nothing); then what is expected does."""
    async with connect(url) as socket:
        print("ready", flush=True)
        try:
            print("unasked:", await asyncio.wait_for(socket.recv(), 1))
        except asyncio.TimeoutError:
            pass
        await socket.send(key)
        print(await until(socket, expected))
        return socket


async def main():
    try:
        socket = await globals()[sys.argv[1]](*sys.argv[2:])
    except (websockets.InvalidStatusCode, websockets.InvalidHandshake) as refusal:
        print("refused", getattr(refusal, "status_code", refusal), file=sys.stderr)
        return 1
    if socket is not None:
        print(socket.close_code, socket.close_reason, file=sys.stderr)
    return 0


status = asyncio.run(main())
sys.stdout.flush()
sys.stderr.flush()
os._exit(status)  # a thread may still wait for standard input
