#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The clients of tests/bench/storm, and its figures: real ssh, one process for each attempt."""
import argparse
import asyncio
import itertools
import json
import os
import random
import re
import statistics
import subprocess
import sys
import time
import urllib.request

# One attempt in so many has a one-time key
ONE_TIME_EVERY = 10
# Stranger's keys, made before the storm
STRANGER_KEYS = 64
# Who strangers say they are: one with live grants, two without, and nobody
STRANGER_USERS = ("ubuntu", "ana", "root", "oracle")
COMPUTE = "http://127.0.0.1:8443"
# Of one login: sshd asks for the query and for the signed attempt
REQUESTS_PER_LOGIN_MAX = 1
# Of one key that a stranger offers
REQUESTS_PER_STRANGER_MAX = 1
# Of one attempt: sshd's two, and the agent under its stopwatch, or a session of one more and its shell's
PROCESSES_PER_ATTEMPT_MAX = 5
# What a process takes in the last quarter of the time, beside the second one
GROWTH_MAX = 1.25
# KiB by which a process that stays may grow between these quarters
RESIDENT_GROWTH_MAX_KIB = 1024
# KiB that all of the guest take more after the storm than before: the journal's process has seen more
LEFT_MAX_KIB = 4096
# Seconds after the storm in which connections end
CALM_SECONDS = 30


class Storm:
    def __init__(self, options):
        self.options = options
        self.fingerprints = set()
        self.logins = []  # seconds that each took
        self.failures = []  # what a one-time login that failed said
        self.denied = self.turned_away = 0
        self.intruders = []
        with open(options.folder + "/token") as file:
            name, value = file.read().strip().split(": ", 1)
            self.token = {name: value}
        self.strangers = [self.make_key("stranger-%d" % i) for i in range(STRANGER_KEYS)]

    def make_key(self, name):
        path = os.path.join(self.options.folder, "keys", name)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
        return path

    def ask(self, number):
        """A fresh one-time key; the name of the file that it is in."""
        request = urllib.request.Request(COMPUTE + "/compute/instance/connect", headers=self.token,
                                         data=b'{"vm_id":42,"user":"ubuntu"}')
        with urllib.request.urlopen(request, timeout=10) as answer:
            key = json.load(answer)
        self.fingerprints.add(key["fingerprint"])
        path = os.path.join(self.options.folder, "keys", "one-time-%d" % number)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write(key["private_key"])
        return path

    async def ssh(self, key, user):
        process = await asyncio.create_subprocess_exec(
            "nice", "-n", "19", "ssh", *self.options.ssh, "-n", "-i", key,
            "%s@%s" % (user, self.options.address), "echo", "in",
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
        said, wrong = await process.communicate()
        return said == b"in\n", wrong.decode(errors="replace").strip()

    async def log_in(self, number):
        begin = time.monotonic()
        try:
            key = await asyncio.get_running_loop().run_in_executor(None, self.ask, number)
        except OSError as error:
            self.failures.append("no key: %s" % error)
            return
        is_in, wrong = await self.ssh(key, "ubuntu")
        os.unlink(key)
        if is_in:
            self.logins.append(time.monotonic() - begin)
        else:
            self.failures.append("after %.1f s: %s" % (time.monotonic() - begin, wrong))

    async def intrude(self):
        user = random.choice(STRANGER_USERS)
        is_in, wrong = await self.ssh(random.choice(self.strangers), user)
        if is_in:
            self.intruders.append(user)
        elif "Permission denied" in wrong:
            self.denied += 1
        else:
            self.turned_away += 1

    async def client(self, numbers, until):
        while time.monotonic() < until:
            number = next(numbers)
            if number % ONE_TIME_EVERY == 0:
                await self.log_in(number)
            else:
                await self.intrude()


class Guest:
    """The processes of the guest, and what they take."""

    def __init__(self, options):
        self.connectd = options.connectd
        self.namespace = os.readlink("/proc/%d/ns/pid" % options.guest)
        self.listener = next(pid for pid in self.pids() if self.read(pid, "comm") == "sshd\n")

    @staticmethod
    def read(pid, name):
        try:
            with open("/proc/%s/%s" % (pid, name)) as file:
                return file.read()
        except OSError:
            return ""  # it has ended

    def pids(self):
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.readlink("/proc/%s/ns/pid" % pid) == self.namespace:
                    yield pid
            except OSError:
                pass

    def resident(self, pid):
        found = re.search(r"VmRSS:\s*(\d+)", self.read(pid, "status"))
        return int(found.group(1)) if found else 0

    def sample(self):
        """Processes; KiB that they share with no file; KiB of the ones that stay."""
        count = pages = 0
        for pid in self.pids():
            fields = self.read(pid, "statm").split()
            if fields:
                count += 1
                pages += int(fields[1]) - int(fields[2])
        return (count, pages * os.sysconf("SC_PAGESIZE") // 1024, self.resident(self.listener),
                self.resident(self.connectd))


NAMES = ("processes", "their own memory, KiB", "sshd's listener, KiB", "exc-connectd, KiB")


async def watch(guest, samples):
    while True:
        samples.append(guest.sample())
        await asyncio.sleep(1)


def requests():
    """What the metadata endpoint has answered so far."""
    with urllib.request.urlopen(COMPUTE + "/metrics", timeout=10) as answer:
        text = answer.read().decode()
    return sum(int(n) for n in re.findall(r'answers_total\{listener="metadata".*\} (\d+)', text))


def part(values, share):
    """The value below which this share of them is."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def mean(samples, quarter):
    """Of each figure, in one quarter of the time."""
    size = max(1, len(samples) // 4)
    chosen = samples[quarter * size:(quarter + 1) * size] or samples[-1:]
    return tuple(round(statistics.mean(column)) for column in zip(*chosen))


def read_runs(path):
    with open(path) as file:
        for line in file:
            wall, cpu, memory, fingerprint = line.split()
            yield int(wall) / 1000, int(cpu) / 1000, int(memory), fingerprint


async def calm(guest, before):
    """Wait until the connections have ended; the last sample."""
    until = time.monotonic() + CALM_SECONDS
    while time.monotonic() < until and guest.sample()[0] > before[0]:
        await asyncio.sleep(0.1)
    return guest.sample()


async def run(options):
    storm, guest = Storm(options), Guest(options)
    before, samples = guest.sample(), []
    runs_before = len(list(read_runs(options.folder + "/runs")))
    begin, asked = time.monotonic(), requests()
    watcher = asyncio.create_task(watch(guest, samples))
    numbers = itertools.count()
    until = begin + 60 * options.minutes
    await asyncio.gather(*(storm.client(numbers, until) for _ in range(options.attempts)))
    seconds = time.monotonic() - begin
    watcher.cancel()
    after = await calm(guest, before)
    runs = list(read_runs(options.folder + "/runs"))[runs_before:]
    return storm, (before, mean(samples, 1), mean(samples, 3), after), runs, requests() - asked, seconds


def report(storm, moments, runs, asked, seconds, attempts):
    """Print the figures; what is wrong with them."""
    wrong = []

    def demand(holds, text):
        if not holds:
            wrong.append(text)

    tried = len(storm.logins) + len(storm.failures)
    strangers = storm.denied + storm.turned_away + len(storm.intruders)
    print("storm: %d attempts at a time for %d s: %d connections, %.1f /s"
          % (attempts, seconds, tried + strangers, (tried + strangers) / seconds))
    print("one-time logins: %d of %d, %.2f /s; strangers: %d denied, %d turned away by MaxStartups or a timeout, %d in"
          % (len(storm.logins), tried, len(storm.logins) / seconds, storm.denied, storm.turned_away,
             len(storm.intruders)))
    for text in storm.failures[:10]:
        print("  failed " + text)
    demand(storm.logins and not storm.failures, "a one-time login failed")
    demand(not storm.intruders, "a stranger got in")
    if storm.logins:
        print("a login, with asking for its key: p50 %.2f s, p99 %.2f s"
              % (part(storm.logins, 0.5), part(storm.logins, 0.99)))
    ours = [run for run in runs if run[3] in storm.fingerprints]
    others = [run for run in runs if run[3] not in storm.fingerprints]
    for name, some in (("one-time keys", ours), ("strangers' keys", others)):
        if some:
            print("agent, %s: %d runs, p50 %.1f ms, p99 %.1f ms, longest %.1f ms; of the processor p50 %.1f ms,"
                  " p99 %.1f ms; peak memory %d KiB"
                  % (name, len(some), part([r[0] for r in some], 0.5), part([r[0] for r in some], 0.99),
                     max(r[0] for r in some), part([r[1] for r in some], 0.5), part([r[1] for r in some], 0.99),
                     max(r[2] for r in some)))
    per_login = (asked - len(others) * REQUESTS_PER_STRANGER_MAX) / max(1, tried)
    print("metadata requests: %d, %.1f /s; %d for a stranger's key, %.2f per one-time login"
          % (asked, asked / seconds, REQUESTS_PER_STRANGER_MAX, per_login))
    demand(runs, "the agent never ran")
    demand(asked <= REQUESTS_PER_LOGIN_MAX * tried + REQUESTS_PER_STRANGER_MAX * strangers,
           "there were more requests than keys account for")
    print("%-24s %9s %9s %9s %9s" % ("", "before", "2nd qtr", "last qtr", "after"))
    for i, name in enumerate(NAMES):
        print("%-24s %9d %9d %9d %9d" % ((name,) + tuple(moment[i] for moment in moments)))
    before, middle, end, after = moments
    for moment in (middle, end):
        demand(moment[0] <= before[0] + PROCESSES_PER_ATTEMPT_MAX * attempts, "there were too many processes")
    # How many there are at a time depends on what else the machine does.
    demand(end[1] / end[0] <= GROWTH_MAX * middle[1] / middle[0], "memory grew")
    demand(end[2] - middle[2] <= RESIDENT_GROWTH_MAX_KIB, "sshd's listener grew")
    demand(end[3] - middle[3] <= RESIDENT_GROWTH_MAX_KIB, "exc-connectd grew")
    demand(after[0] <= before[0], "processes were left over")
    demand(after[1] <= before[1] + LEFT_MAX_KIB, "memory was left over")
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", required=True, help="of the guest: token, keys, runs")
    parser.add_argument("--address", required=True, help="of the guest")
    parser.add_argument("--guest", type=int, required=True, help="a process of the guest")
    parser.add_argument("--connectd", type=int, required=True, help="the process of exc-connectd")
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--attempts", type=int, required=True, help="at a time")
    parser.add_argument("ssh", nargs="+", help="options of ssh, after --")
    options = parser.parse_args()
    wrong = report(*asyncio.run(run(options)), options.attempts)
    for text in wrong:
        print("storm: %s" % text)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
