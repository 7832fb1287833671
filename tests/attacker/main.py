"""Attacks a real maysend while a well-behaved client goes on asking.

usage: main.py MAYSEND [SECONDS [ATTACK...]]

Each attack runs so many seconds (2 by default) in a process of its own at nice 19. Fails where a
well-behaved call is not answered rightly, where the server takes more memory than MEMORY, or where
it does not go on as before. Prints a table: the client's 99th percentile, its ratio to the quiet
one (the aim is below 3), and the most memory that the server took."""

import multiprocessing
import os
import pathlib
import re
import resource
import signal
import sys
import tempfile
import time

import floods
import server
import wire

# The windows of all connections that take part (64 of 4 MiB), what is held of large messages
# (256 MiB), and what a quiet server has.
MEMORY = 640 << 20
# Between two calls of the client, in seconds.
PAUSE = 0.002


def status(process, key):
    text = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(rf"{key}:\s+(\d+)", text)[1]) << 10


def descriptors(process):
    return len(os.listdir(f"/proc/{process.pid}/fd"))


class Client:
    """One call after the other, with a pause; each answer is compared with the first."""

    def __init__(self, address):
        self.address = address
        self.line = wire.Line(address)
        self.body = wire.question([b"a@example.com", b"nobody", b"b@example.org"])
        self.right = self.line.ask(self.body)
        assert len(self.right) > 5, self.right

    def ask(self, seconds):
        took, until = [], time.monotonic() + seconds
        while time.monotonic() < until:
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
                line = wire.Line(self.address)
                if line.ask(self.body) == self.right:
                    line.close()
                    return True
            except OSError:
                time.sleep(0.05)
        return False


def attacked(attack, address):
    os.nice(19)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    attack(address)


def p99(took):
    return sorted(took)[len(took) * 99 // 100]


def main():
    program = pathlib.Path(sys.argv[1]).resolve()
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 2.0
    chosen = [a for a in floods.ATTACKS if not sys.argv[3:] or a.__name__ in sys.argv[3:]]
    worst, faults = 0.0, []
    with tempfile.TemporaryDirectory() as folder:
        process, address = server.start(program, pathlib.Path(folder))
        try:
            client = Client(address)
            client.ask(0.5)
            print(f"quiet: {status(process, 'VmRSS') >> 20} MiB; the most allowed: {MEMORY >> 20} MiB; {seconds} s each\n")
            print(f"{'attack':26} {'calls':>6} {'quiet p99':>10} {'p99':>10} {'ratio':>6} {'memory':>8}")
            for attack in chosen:
                quiet = p99(client.ask(max(seconds / 2, 0.5)))
                # The peak is of this attack alone.
                pathlib.Path(f"/proc/{process.pid}/clear_refs").write_text("5")
                attacker = multiprocessing.Process(target=attacked, args=(attack, address), daemon=True)
                attacker.start()
                time.sleep(0.3)
                took = client.ask(seconds)
                if not client.again():
                    faults.append(f"{attack.__name__}: no room for a new client")
                attacker.kill()
                attacker.join()
                most = status(process, "VmHWM")
                ratio = p99(took) / quiet
                worst = max(worst, ratio)
                row = f"{attack.__name__:26} {len(took):6} {quiet * 1e3:7.2f} ms {p99(took) * 1e3:7.2f} ms"
                print(f"{row} {ratio:6.1f} {most >> 20:4} MiB", flush=True)
                if most > MEMORY:
                    faults.append(f"{attack.__name__}: {most >> 20} MiB")
                if process.poll() is not None:
                    raise SystemExit(f"{attack.__name__}: the server ended")
            client.ask(0.5)
            time.sleep(1.5)
            print(f"\nafter: {status(process, 'VmRSS') >> 20} MiB, {descriptors(process)} descriptors")
            if descriptors(process) > 100:
                faults.append(f"{descriptors(process)} descriptors are still open")
            process.send_signal(signal.SIGTERM)
            if process.wait(20) != 0:
                faults.append("it did not end well")
            log = pathlib.Path(folder, "log").read_text()
            faults += [line for line in log.splitlines() if "panicked" in line]
        finally:
            process.kill()
    if faults:
        raise SystemExit("\n".join(faults))
    print(f"every well-behaved call was answered rightly; the worst ratio is {worst:.1f}")


main()
