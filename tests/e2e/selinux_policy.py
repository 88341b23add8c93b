#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Questions to an SELinux policy that sesearch does not answer, for the end-to-end tests.

Usage: selinux_policy.py dump POLICY DOMAIN... >DUMP
       selinux_policy.py same DUMP OTHER FILE
       selinux_policy.py rehearse DUMP FILE_CONTEXTS TRACE [BOOLEAN...]

dump      all that each DOMAIN may do, attributes resolved, one "allow DOMAIN TYPE CLASS PERMISSION CONDITION"
          in a line, and "becomes DOMAIN TYPE DOMAIN CONDITION" for programs; and the ports, booleans and other
          names of types that the other commands need
same      the difference between what each domain in FILE may and OTHER may not, and FILE; exit status 1 if
          there is one. FILE has "domain DOMAIN" in a line, and then "TYPE:CLASS PERMISSION... [BOOLEAN]" in
          each, with any of a type's names. What OTHER may as well is no difference.
rehearse  what a trace of `strace -f -yy -e trace=%file,%desc,%network,%process,prctl,prlimit64` shows of the
          agent, of its fetch program, and of sshd with the agent's files, and whether the policy allows it;
          exit status 1 if not all of it. It reads links and folders of the machine: run it where the trace
          is from. BOOLEANs are switched on. The agent's domain is the one that the policy has for sshd's
          child, and the fetch program's the one that it has for the agent's.
"""
import os
import re
import subprocess
import sys

# Who does something in a trace
AGENT, FETCH, SSHD = "agent", "fetch", "sshd"
SSHD_DOMAIN = "sshd_t"
PROGRAM_TYPE, FETCH_TYPE = "exc_instance_connect_exec_t", "exc_instance_connect_fetch_exec_t"
# The first becomes the second.
PROGRAM, AGENT_PROGRAM = "/usr/bin/exc-instance-connect", "/usr/libexec/exc-instance-connect/agent"
FETCH_PROGRAM = "/usr/libexec/exc-instance-connect/fetch"
OURS = (PROGRAM, "/usr/libexec/exc-instance-connect", "/run/exc-instance-connect", "/var/lib/exc-instance-connect",
        "/etc/exc-instance-connect")


def condition(rule):
    """The condition of a rule as Python has it, or "always"."""
    from setools.exception import RuleNotConditional
    try:
        text = str(rule.conditional)
    except RuleNotConditional:
        return "always"
    text = re.sub(r"!(?!=)", "not ", text.replace("&&", "and").replace("||", "or"))
    return (text if rule.conditional_block else f"not ({text})").strip()


def dump(path, domains):
    import setools
    policy = setools.SELinuxPolicy(path)
    for domain in domains:
        for rule in setools.TERuleQuery(policy, ruletype=["allow"], source=domain).results():
            when = condition(rule)
            for target in rule.target.expand():
                for permission in rule.perms:
                    print("allow", domain, target, rule.tclass, permission, when)
        for rule in setools.TERuleQuery(policy, ruletype=["type_transition"], source=domain, tclass=["process"]).results():
            for target in rule.target.expand():
                print("becomes", domain, target, rule.default, condition(rule))
    for boolean in policy.bools():
        print("bool", boolean, boolean.state)
    for port in policy.portcons():
        if port.protocol == setools.PortconProtocol.tcp:
            print("port", port.ports.low, port.ports.high, port.context.type_)
    for type_ in policy.types():
        for alias in type_.aliases():
            print("alias", alias, type_)


class Policy:
    """What is in a dump."""

    def __init__(self, path):
        self.may, self.booleans, self.ports, self.aliases, self.becomes = {}, {}, [], {}, []
        with open(path, encoding="ascii") as file:
            for line in file:
                word, *rest = line.rstrip("\n").split(" ", 5)
                if word == "allow":
                    domain, target, tclass, permission, when = rest
                    rule = ("self" if target == domain else target, tclass, permission, when)
                    self.may.setdefault(domain, set()).add(rule)
                elif word == "becomes":
                    self.becomes.append((*rest[:3], " ".join(rest[3:])))
                elif word == "bool":
                    self.booleans[rest[0]] = rest[1] == "True"
                elif word == "port":
                    self.ports.append((int(rest[0]), int(rest[1]), rest[2]))
                else:
                    self.aliases[rest[0]] = rest[1]

    def adds(self, domain, other):
        """What `domain` may do, without what `other` may always do."""
        always = {rule[:3] for rule in self.may[other] if rule[3] == "always"}
        return {rule for rule in self.may[domain] if rule[:3] not in always}

    def holds(self, when):
        return when == "always" or eval(when, {"__builtins__": {}}, self.booleans)

    def allowed_now(self, domain):
        return {rule[:3] for rule in self.may[domain] if self.holds(rule[3])}

    def after(self, domain, program):
        """The domain in which `domain` runs a program."""
        found = {new for old, target, new, when in self.becomes
                 if (old, target) == (domain, program) and self.holds(when)}
        return found.pop() if found else domain

    def port(self, number):
        # The narrowest range wins, as in the kernel.
        return min((high - low, name) for low, high, name in self.ports if low <= number <= high)[1]

    def primary(self, name):
        return self.aliases.get(name, name)


def lines(found):
    """TYPE:CLASS PERMISSION... [CONDITION]"""
    grouped = {}
    for target, tclass, permission, when in found:
        grouped.setdefault((f"{target}:{tclass}", when), set()).add(permission)
    return sorted(f"{key} {' '.join(sorted(permissions))}" + ("" if when == "always" else f" [{when}]")
                  for (key, when), permissions in grouped.items())


def read_lines(policy, path):
    """The opposite of lines(), for each domain"""
    domain = None
    with open(path, encoding="ascii") as file:
        for line in file:
            if line.startswith("domain "):
                domain = line.split()[1]
                continue
            match = re.fullmatch(r"(\w+):(\w+)((?: \w+)+)(?: \[(.*)\])?\n", line)
            if match:
                for permission in match[3].split():
                    yield domain, (policy.primary(match[1]), match[2], permission, match[4] or "always")
            elif not line.startswith("#"):
                sys.exit(f"{path}: {line}")


def same(dumped, other, path):
    policy = Policy(dumped)
    wanted = {}
    for domain, rule in read_lines(policy, path):
        wanted.setdefault(domain, set()).add(rule)
    good = True
    for domain, rules in wanted.items():
        more = policy.adds(domain, other) - rules
        less = {rule for rule in rules - policy.may[domain] if (*rule[:3], "always") not in policy.may[domain]}
        for line in lines(more):
            print(f"{domain} may, and it is not written down: {line}")
        for line in lines(less):
            print(f"{domain} may not, and it is written down: {line}")
        good = good and not more and not less
    return good


class Rehearsal:
    """Turn a trace into what SELinux would be asked."""

    FLAG = re.compile(r"[A-Z][A-Z0-9_]+")
    PATH = re.compile(r'^(?:(?:AT_FDCWD|\d+)<(?P<dir>[^>]*)>, )?"(?P<path>(?:[^"\\]|\\.)*)"')
    DESCRIPTOR = re.compile(r"^(?P<number>\d+)<(?P<what>.*?)>(?=[,)]|$)")

    def __init__(self, contexts):
        self.contexts = contexts
        self.asked = {}  # (source, path or type, class, permissions) -> an example
        self.made = {}  # what the trace shows being made and may be gone: path -> class
        self.domain = {}  # pid -> SSHD, AGENT, FETCH, or None for what none of them is
        self.parent = {}  # pid -> pid

    def ask(self, source, what, tclass, permissions, example):
        """sshd may do the rest of what it does without us."""
        if source == SSHD and what not in (AGENT, FETCH) and not what.startswith(OURS):
            return
        for permission in permissions.split():
            self.asked.setdefault((source, what, tclass, permission), example)

    # Files ------------------------------------------------------------------------------------------

    def class_of(self, path, hint):
        try:
            mode = os.lstat(path).st_mode
        except OSError:
            return self.made.get(path, hint)
        return {0o040000: "dir", 0o120000: "lnk_file", 0o140000: "sock_file", 0o020000: "chr_file",
                0o010000: "fifo_file"}.get(mode & 0o170000, "file")

    def walk(self, source, path, example, follow=True, failed=False):
        """Search every folder on the way and read every link. Returns where the path leads; None for a call
        that failed because nothing is there."""
        done, todo = "/", [part for part in path.split("/") if part]
        for _ in range(100):
            if not todo:
                return done
            self.ask(source, done, "dir", "search", example)
            part = todo.pop(0)
            if part == "..":
                done = os.path.dirname(done)
                continue
            step = os.path.join(done, part)
            if failed and not os.path.lexists(step):
                return None
            if os.path.islink(step) and (follow or todo) and not step.startswith("/proc/self/"):
                self.ask(source, step, "lnk_file", "read", example)
                link = os.readlink(step)
                todo = [p for p in link.split("/") if p] + todo
                done = "/" if link.startswith("/") else done
            else:
                done = step
        raise ValueError(f"too many links: {path}")

    def on_path(self, source, path, hint, permissions, example, follow=True):
        path = self.walk(source, path, example, follow)
        tclass = self.class_of(path, hint)
        self.ask(source, path, tclass, permissions, example)
        return path, tclass

    def in_folder(self, source, path, permissions, example):
        self.ask(source, os.path.dirname(path), "dir", permissions, example)

    def opened(self, source, path, flags, failed, example):
        wanted = ["open"]
        if "O_PATH" in flags:
            wanted = []
        elif "O_RDWR" in flags:
            wanted += ["read", "append" if "O_APPEND" in flags else "write"]
        elif "O_WRONLY" in flags:
            wanted += ["append" if "O_APPEND" in flags else "write"]
        else:
            wanted += ["read"]
        if failed:
            self.walk(source, path, example, failed=True)
            return
        if "O_CREAT" in flags:
            self.made[path] = "file"
            self.in_folder(source, path, "search write add_name", example)
            wanted.append("create")
        hint = "dir" if "O_DIRECTORY" in flags else "file"
        self.on_path(source, path, hint, " ".join(wanted), example, "O_NOFOLLOW" not in flags)

    # Sockets and pipes ------------------------------------------------------------------------------

    SOCKET_CALLS = {"bind": "bind", "connect": "connect", "getsockopt": "getopt", "setsockopt": "setopt",
                    "getsockname": "getattr", "getpeername": "getattr", "shutdown": "shutdown",
                    "sendto": "write", "sendmsg": "write", "sendmmsg": "write", "write": "write",
                    "writev": "write", "recvfrom": "read", "recvmsg": "read", "read": "read", "ioctl": "ioctl"}

    def socket_class(self, what):
        for start, tclass in (("TCP", "tcp_socket"), ("UDP", "udp_socket"), ("UNIX-STREAM", "unix_stream_socket"),
                              ("UNIX-DGRAM", "unix_dgram_socket"), ("UNIX", "unix_dgram_socket"),
                              ("NETLINK", "netlink_route_socket")):
            if what.startswith(start):
                return tclass
        return None

    def on_socket(self, source, owner, call, arguments, tclass, example):
        if call == "ioctl" and "FIONREAD" in arguments:
            self.ask(source, owner, tclass, "getattr", example)  # selinux_file_ioctl() in the kernel
        elif call in self.SOCKET_CALLS:
            self.ask(source, owner, tclass, self.SOCKET_CALLS[call], example)
        if tclass == "tcp_socket" and call == "connect":
            port = re.search(r"htons\((\d+)\)", arguments)
            self.ask(source, f"port {port[1]}", "tcp_socket", "name_connect", example)
        name = re.search(r'sun_path="([^"]+)"', arguments)
        if name and example.endswith("ENOENT (No such file or directory)"):
            self.walk(source, name[1], example, failed=True)
        elif name and call in ("connect", "sendto", "sendmsg"):
            self.on_path(source, name[1], "sock_file", "write", example)
            if tclass == "unix_dgram_socket" and "/systemd/journal/" in name[1]:
                self.ask(source, "syslogd_t", "unix_dgram_socket", "sendto", example)

    # The trace --------------------------------------------------------------------------------------

    def who(self, pid):
        if pid not in self.domain:
            self.domain[pid] = self.who(self.parent[pid]) if pid in self.parent else SSHD
        return self.domain[pid]

    def executed(self, pid, arguments, example):
        path = re.match(r'"([^"]*)"', arguments)[1]
        who = self.who(pid)
        # What somebody else's command does is not ours, but starting it is.
        if who == AGENT and path != FETCH_PROGRAM:
            self.on_path(AGENT, path, "file", "execute execute_no_trans getattr open read", example)
        if path == FETCH_PROGRAM:
            self.on_path(AGENT, path, "file", "execute getattr open read", example)
            self.ask(FETCH, path, "file", "map read", example)
            self.ask(FETCH, AGENT, "process", "sigchld", example)
            # Its input and output, which the kernel closes in a program that may not use them
            self.ask(FETCH, AGENT, "fd", "use", example)
            self.ask(FETCH, AGENT, "unix_stream_socket", "read write", example)
            self.ask(FETCH, SSHD, "fd", "use", example)
        elif path in (PROGRAM, AGENT_PROGRAM):
            self.ask(AGENT, path, "file", "map read", example)
        if path == PROGRAM:
            self.ask(SSHD, PROGRAM, "file", "execute getattr open read", example)
            self.ask(AGENT, SSHD, "fd", "use", example)
            self.ask(AGENT, SSHD, "process", "sigchld", example)
        # sshd starts itself again for each connection.
        is_sshd = os.path.basename(path).startswith("sshd")
        ours = {PROGRAM: AGENT, AGENT_PROGRAM: AGENT, FETCH_PROGRAM: FETCH}
        self.domain[pid] = ours.get(path, SSHD if is_sshd else None)

    def seen(self, pid, call, arguments, result, example):
        failed = result.startswith("-1")
        if call == "execve":
            if not failed:
                self.executed(pid, arguments, example)
            return
        source = self.who(pid)
        if source is None:
            return
        if call in ("clone", "clone3", "fork", "vfork"):
            if result.split()[0].isdigit():
                self.ask(source, source, "process", "fork", example)
            return
        if call == "prctl":
            # When the one ends, the kernel sends the signal on its behalf.
            if "PR_SET_PDEATHSIG, SIGKILL" in arguments:
                self.ask(AGENT, source, "process", "sigkill", example)
            return
        if call == "prlimit64":
            if not arguments.split(", ", 2)[2].startswith("NULL"):
                self.ask(source, source, "process", "setrlimit", example)
            return
        if call == "socketpair":
            self.ask(source, source, "unix_stream_socket", "create", example)
            return
        if call == "socket":
            kind = re.search(r"<([A-Z-]+)", result)
            if kind and not failed:
                self.ask(source, source, self.socket_class(kind[1]), "create", example)
            return
        self.seen_descriptor(source, call, arguments, failed, example)
        self.seen_path(source, call, arguments, failed, example)

    def seen_descriptor(self, source, call, arguments, failed, example):
        if call == "mmap":
            mapped = re.search(r", \d+<(/[^>]*)>, ", arguments)
            if mapped:
                execute = " execute" if "PROT_EXEC" in arguments else ""
                self.on_path(source, mapped[1], "file", "map read" + execute, example)
            return
        at = self.DESCRIPTOR.match(arguments)
        if not at:
            return
        what = at["what"]
        tclass = self.socket_class(what)
        if tclass:
            is_given = source == FETCH and at["number"] in ("0", "1")
            self.on_socket(source, AGENT if is_given else source, call, arguments, tclass, example)
        elif what.startswith("pipe:") and source == AGENT:
            access = {"write": "write", "writev": "write", "read": "read", "newfstatat": "getattr",
                      "fstat": "getattr"}.get(call, "")
            self.ask(source, SSHD, "fifo_file", access, example)
        elif what.startswith("/") and not failed and int(at["number"]) > 2: # those are the test's
            path = what.split("<")[0]
            if call in ("fstat", "newfstatat", "statx") and '""' in arguments:
                self.on_path(source, path, "file", "getattr", example)
            elif call == "fchown" or (call == "utimensat" and ", NULL, " in arguments):
                self.on_path(source, path, "file", "setattr", example)
            elif call == "getdents64":
                self.on_path(source, path, "dir", "read", example)

    def seen_path(self, source, call, arguments, failed, example):
        paths, rest = [], arguments
        while (match := self.PATH.match(rest)) and len(paths) < 2:
            if match["path"]:
                folder = (match["dir"] or "/").split("<")[0]
                paths.append(os.path.normpath(os.path.join(folder, match["path"])))
            rest = rest[match.end():].removeprefix(", ")
        if not paths:
            return
        path = paths[0]
        flags = set(self.FLAG.findall(rest))
        if call in ("open", "openat"):
            self.opened(source, path, flags, failed, example)
        elif failed:
            self.walk(source, path, example, failed=True)
        elif call in ("stat", "lstat", "newfstatat", "statx"):
            self.on_path(source, path, "file", "getattr", example, "AT_SYMLINK_NOFOLLOW" not in flags)
        elif call in ("access", "faccessat", "faccessat2"):
            wanted = {"R_OK": "read", "W_OK": "write", "X_OK": "execute"}
            self.on_path(source, path, "file", " ".join(wanted[f] for f in sorted(flags & set(wanted))), example)
        elif call == "readlink":
            self.on_path(source, path, "lnk_file", "read", example, False)
        elif call in ("mkdir", "mkdirat"):
            self.made[path] = "dir"
            self.in_folder(source, path, "search write add_name", example)
            self.on_path(source, path, "dir", "create", example)
        elif call in ("unlink", "unlinkat", "rmdir"):
            removes_folder = "AT_REMOVEDIR" in flags or call == "rmdir"
            self.in_folder(source, path, "search write remove_name", example)
            self.ask(source, path, "dir" if removes_folder else "file",
                     "rmdir" if removes_folder else "unlink", example)
        elif call == "linkat":
            self.ask(source, path, "file", "link", example)
            self.in_folder(source, paths[1], "search write add_name", example)
        elif call in ("rename", "renameat", "renameat2"):
            self.ask(source, path, "file", "rename", example)
            self.in_folder(source, path, "search write remove_name", example)
            self.in_folder(source, paths[1], "search write add_name", example)

    def read(self, path):
        unfinished = {}
        with open(path, encoding="utf-8", errors="replace") as file:
            trace = file.readlines()
        # A child may be seen before its parent's call has returned.
        for line in trace:
            born = re.match(r"(\d+) +(?:<\.\.\. )?(?:clone3?|v?fork)\b.* = (\d+)$", line)
            if born:
                self.parent[born[2]] = born[1]
        for line in trace:
            pid, text = line.rstrip("\n").split(None, 1)
            if text.endswith("<unfinished ...>"):
                unfinished[pid] = text.removesuffix("<unfinished ...>")
                continue
            resumed = re.match(r"<\.\.\. \w+ resumed>", text)
            if resumed:
                text = unfinished.pop(pid, "") + text[resumed.end():]
            call = re.match(r"(\w+)\((.*)\)\s+= (\S.*)$", text)
            if call:
                self.seen(pid, call[1], call[2], call[3], text)

    # Labels -----------------------------------------------------------------------------------------

    def label_all(self):
        """What file_contexts says of each path that was seen; the kernel labels /proc and /sys itself."""
        by_class = {}
        for _, what, tclass, _ in self.asked:
            if what.startswith("/") and not what.startswith(("/proc", "/sys")):
                by_class.setdefault(tclass, set()).add(what)
        kinds = {"dir": "dir", "lnk_file": "symlink", "sock_file": "socket", "chr_file": "char",
                 "fifo_file": "pipe", "file": "file"}
        labels = {}
        for tclass, paths in by_class.items():
            paths = sorted(paths)
            said = subprocess.run(["matchpathcon", "-N", "-n", "-f", self.contexts, "-m", kinds[tclass], *paths],
                                  check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
            for path, context in zip(paths, said, strict=True):
                labels[path, tclass] = context.split(":")[2] if ":" in context else context
        # It is looked up as /run, which is no link.
        labels["/var/run", "lnk_file"] = "var_run_t"
        return labels

    def label(self, labels, policy, who, what, tclass):
        if what.startswith("port "):
            return policy.port(int(what[5:]))
        if not what.startswith("/"):
            return what
        if what.startswith("/proc"):
            pid = what.split("/")[2] if what.count("/") > 1 else ""
            if what.startswith("/proc/sys"):
                return "sysctl_crypto_t" if what.startswith("/proc/sys/crypto") else "sysctl_t"
            if pid == "self":
                return who
            if self.domain.get(pid) in (AGENT, FETCH):
                return self.domain[pid]
            return "init_t" if pid == "1" else SSHD if pid.isdigit() else "proc_t"
        if what.startswith("/sys"):
            return "sysfs_t"
        return labels[what, tclass]


def rehearse(dumped, contexts, trace, switched_on):
    policy = Policy(dumped)
    policy.booleans |= {name: True for name in switched_on}
    domains = {SSHD: SSHD_DOMAIN, AGENT: policy.after(SSHD_DOMAIN, PROGRAM_TYPE)}
    domains[FETCH] = policy.after(domains[AGENT], FETCH_TYPE)
    allowed = {who: policy.allowed_now(domain) for who, domain in domains.items()}
    rehearsal = Rehearsal(contexts)
    rehearsal.read(trace)
    for parent, child, program in ((SSHD, AGENT, PROGRAM), (AGENT, FETCH, FETCH_PROGRAM)):
        if domains[child] == domains[parent]:
            rehearsal.ask(parent, program, "file", "execute_no_trans", "execve")
        else:
            rehearsal.ask(parent, child, "process", "transition", "execve")
            rehearsal.ask(child, program, "file", "entrypoint execute", "execve")
    labels = rehearsal.label_all()
    good, seen = True, set()
    for (who, what, tclass, permission), example in sorted(rehearsal.asked.items()):
        source = domains[who]
        target = rehearsal.label(labels, policy, who, what, tclass)
        target = policy.primary(domains.get(target, target))
        same_domain = target == source
        if ("self" if same_domain else target, tclass, permission) in allowed[who] or \
                (same_domain and (tclass, permission) == ("fd", "use")):
            seen.add(f"allowed {source} {target}:{tclass} {permission}")
        else:
            good = False
            print(f"FORBIDDEN {source} {target}:{tclass} {permission}: {what}: {example[:300]}")
    print("\n".join(sorted(seen)))
    return good


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    command, path, *arguments = sys.argv[1:]
    if command == "dump":
        dump(path, arguments)
    elif command == "same":
        sys.exit(not same(path, *arguments))
    elif command == "rehearse":
        sys.exit(not rehearse(path, arguments[0], arguments[1], arguments[2:]))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
