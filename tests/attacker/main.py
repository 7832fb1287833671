"""Attacks a real maysend while a well-behaved client goes on asking.

usage: main.py MAYSEND [SECONDS [ATTACK...]]

Each attack runs so many seconds (2 by default) in a process of its own, on idle processors. Fails where a
well-behaved call is not answered rightly, where the server takes more memory than MEMORY, or where
it does not go on as before. Prints a table: the client's 99th percentile, its ratio to the quiet
one (the aim is below 3), and the most memory that the server took. Where the owner's pages are
attacked the client is one that opens a page after each call, and the page is what is measured."""

import multiprocessing
import os
import pathlib
import re
import resource
import signal
import socket
import sys
import tempfile
import time

import floods
import server
import webfloods
import wire

# The windows of all connections that take part (64 of 4 MiB), what is held of large messages
# (256 MiB), and what a quiet server has.
MEMORY = 640 << 20
# Between two calls of the client, in seconds.
PAUSE = 0.002
# For a page, in seconds: beyond it an owner has left.
WAIT = 5

# What is attacked.
PLAIN, TLS, PAGES = "calls without TLS", "calls over TLS", "the owner's pages"


def status(process, key):
    text = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(rf"{key}:\s+(\d+)", text)[1]) << 10


def descriptors(process):
    return len(os.listdir(f"/proc/{process.pid}/fd"))


class Client:
    """One call after the other, with a pause; each answer is compared with the first."""

    def __init__(self, address, tls):
        self.address, self.tls, self.attacked = address, tls, address
        self.line = wire.Line(address, tls=tls)
        self.body = wire.question([b"a@example.com", b"nobody", b"b@example.org"])
        self.right = self.line.ask(self.body)
        assert len(self.right) > 5, self.right

    def ask(self, seconds):
        took, until = [], time.monotonic() + seconds
        while not took or time.monotonic() < until:
            begun = time.perf_counter()
            answer = self.line.ask(self.body)
            took.append(time.perf_counter() - begun)
            if answer != self.right:
                raise SystemExit(f"answered {answer!r} instead of {self.right!r}")
            time.sleep(PAUSE)
        return took

    def again(self):
        """A new connection gets in, though others take all they can."""
        for _ in range(20):
            try:
                line = wire.Line(self.address, tls=self.tls)
                if line.ask(self.body) == self.right:
                    line.close()
                    return True
            except OSError:
                time.sleep(0.05)
        return False


class Visitor(Client):
    """The same, and after each call an owner who opens a page on a connection of its own; what counts
    is how long the page takes."""

    def __init__(self, address, pages):
        super().__init__(address, None)
        self.attacked = pages
        links = self.line.ask(wire.question([b"a@example.com"]), wire.MINT)
        self.path = re.search(rb"https://mail.example(/u/[\w-]+)", links)[1]
        assert self.visit(), "a page"

    def visit(self):
        with socket.create_connection(self.attacked, timeout=WAIT) as line:
            line.sendall(b"GET %s HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n" % self.path)
            page = b""
            while more := line.recv(65536):
                page += more
        return page.startswith(b"HTTP/1.1 200 ") and page.rstrip().endswith(b"</html>")

    def ask(self, seconds):
        took, until = [], time.monotonic() + seconds
        while time.monotonic() < until:
            super().ask(0)
            begun = time.perf_counter()
            try:
                if not self.visit():
                    raise SystemExit("a page is not as it was")
            except OSError as error:
                raise SystemExit(f"no page: {error!r}") from error
            took.append(time.perf_counter() - begun)
        return took


def attacked(attack, address):
    # Attackers are other machines: here they take what processor time nobody else wants, and no
    # slice of some milliseconds from the client and the server, which is the kernel's and not ours.
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    attack(address)


def p99(took):
    return sorted(took)[len(took) * 99 // 100]


class Ordeal:
    """A server, and what it goes through."""

    def __init__(self, program, seconds):
        self.program, self.seconds = program, seconds
        self.worst, self.faults = 0.0, []

    def run(self, attacks, what):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            options = {TLS: lambda: server.certificate(folder), PAGES: lambda: server.WEB}
            process, address = server.start(self.program, folder, options.get(what, tuple)())
            try:
                if what == PAGES:
                    client = Visitor(address, server.pages(folder))
                else:
                    client = Client(address, server.stranger() if what == TLS else None)
                client.ask(0.5)
                print(f"\nquiet, {what}: {status(process, 'VmRSS') >> 20} MiB")
                for attack in attacks:
                    self.suffer(attack, process, client)
                client.ask(0.5)
                time.sleep(1.5)
                print(f"after: {status(process, 'VmRSS') >> 20} MiB, {descriptors(process)} descriptors")
                if descriptors(process) > 100:
                    self.faults.append(f"{descriptors(process)} descriptors are still open")
                process.send_signal(signal.SIGTERM)
                if process.wait(20) != 0:
                    self.faults.append("it did not end well")
                log = pathlib.Path(folder, "log").read_text()
                self.faults += [line for line in log.splitlines() if "panicked" in line]
            finally:
                process.kill()

    def suffer(self, attack, process, client):
        quiet = p99(client.ask(max(self.seconds / 2, 0.5)))
        # The peak is of this attack alone.
        pathlib.Path(f"/proc/{process.pid}/clear_refs").write_text("5")
        attacker = multiprocessing.Process(target=attacked, args=(attack, client.attacked), daemon=True)
        attacker.start()
        time.sleep(0.3)
        took = client.ask(self.seconds)
        if not client.again():
            self.faults.append(f"{attack.__name__}: no room for a new client")
        attacker.kill()
        attacker.join()
        most = status(process, "VmHWM")
        ratio = p99(took) / quiet
        self.worst = max(self.worst, ratio)
        row = f"{attack.__name__:26} {len(took):6} {quiet * 1e3:7.2f} ms {p99(took) * 1e3:7.2f} ms"
        print(f"{row} {ratio:6.1f} {most >> 20:4} MiB", flush=True)
        if most > MEMORY:
            self.faults.append(f"{attack.__name__}: {most >> 20} MiB")
        if process.poll() is not None:
            raise SystemExit(f"{attack.__name__}: the server ended")


def main():
    program = pathlib.Path(sys.argv[1]).resolve()
    ordeal = Ordeal(program, float(sys.argv[2]) if len(sys.argv) > 2 else 2.0)
    print(f"{ordeal.seconds} s each; the most memory allowed: {MEMORY >> 20} MiB\n")
    print(f"{'attack':26} {'calls':>6} {'quiet p99':>10} {'p99':>10} {'ratio':>6} {'memory':>8}")
    groups = [(floods.ATTACKS, PLAIN), (floods.TLS_ATTACKS, TLS), (webfloods.ATTACKS, PAGES)]
    for attacks, what in groups:
        chosen = [a for a in attacks if not sys.argv[3:] or a.__name__ in sys.argv[3:]]
        if chosen:
            ordeal.run(chosen, what)
    if ordeal.faults:
        raise SystemExit("\n".join(ordeal.faults))
    print(f"\nevery well-behaved call was answered rightly; the worst ratio is {ordeal.worst:.1f}")


main()
