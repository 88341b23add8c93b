#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Run a command on a terminal of its own, print what it prints, and type when it has printed what is waited for.

typist [--raw] [TEXT TYPED]... [TEXT] -- COMMAND [ARGUMENT...]: types each TYPED once the command has printed the
TEXT before it, and that after the one before; with --raw, once the terminal is raw as well, for a program that
makes it raw after it has printed TEXT. Ends with the command, and with its exit status; or with 99 if a TEXT was
not printed, or if the command is silent for half a minute."""
import os
import pty
import select
import signal
import sys
import termios

SILENT_SECONDS = 30
# Between two looks at whether the terminal is raw, for which there is no event
LOOK_SECONDS = 0.02
FAILED = 99


def is_raw(terminal):
    return not termios.tcgetattr(terminal)[3] & termios.ICANON


def type_when_printed(terminal, steps, raw):
    """Until the command has ended: what it has not printed of the steps, or None if it has not ended."""
    seen, silent = b"", 0
    while silent < SILENT_SECONDS:
        while steps and steps[0] in seen and (not raw or is_raw(terminal)):
            seen = seen.partition(steps.pop(0))[2]
            if steps:
                os.write(terminal, steps.pop(0))
        pause = LOOK_SECONDS if raw and steps and steps[0] in seen else 1
        if not select.select([terminal], [], [], pause)[0]:
            silent += pause
            continue
        try:
            got = os.read(terminal, 65536)
        except OSError:  # EIO: nobody has the terminal open any more
            return steps
        silent = 0
        seen += got
        sys.stdout.buffer.write(got)
        sys.stdout.flush()
    return None


def main():
    split = sys.argv.index("--")
    steps, command = [os.fsencode(step) for step in sys.argv[1:split]], sys.argv[split + 1:]
    raw = steps[:1] == [b"--raw"]
    child, terminal = pty.fork()
    if child == 0:
        os.execvp(command[0], command)
    missing = type_when_printed(terminal, steps[raw:], raw)
    if missing is None:
        print("typist: the command has been silent for %d seconds" % SILENT_SECONDS, file=sys.stderr)
        os.kill(child, signal.SIGKILL)
        return FAILED
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if missing:
        print("typist: this was not printed: %s" % os.fsdecode(missing[0]), file=sys.stderr)
        return FAILED
    return status if status >= 0 else 128 - status


sys.exit(main())
