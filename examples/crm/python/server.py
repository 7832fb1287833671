"""maysend as the tests need it: killed, frozen, started again, and behind a line that goes dead."""

import contextlib
import os
import pathlib
import random
import signal
import socket
import subprocess
import tempfile
import threading

import grpc

ROOT = pathlib.Path(__file__).resolve().parents[3]
BINARY = os.environ.get("MAYSEND", str(ROOT / "target" / "checked" / "maysend"))


def free_port():
    """A port below those that outgoing connections get: a client that tries again and again could
    get the very port that its server is to come back on."""
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class Server:
    """The real binary, always on the same data and the same address."""

    def __init__(self, unix=False):
        self.work = tempfile.TemporaryDirectory()
        self.port = None if unix else free_port()
        self.listen = f"unix:{self.work.name}/socket" if unix else f"127.0.0.1:{self.port}"
        self.process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.kill()
        self.work.cleanup()

    def start(self):
        """Returns once it answers."""
        command = [BINARY, "serve", "--data-dir", f"{self.work.name}/data", "--listen", self.listen]
        command += ["--catalog", str(ROOT / "examples" / "catalog.toml")]
        with open(f"{self.work.name}/log", "ab") as log:
            self.process = subprocess.Popen(command, stderr=log)
        options = [("grpc.default_authority", "localhost"), ("grpc.initial_reconnect_backoff_ms", 100)]
        options += [("grpc.min_reconnect_backoff_ms", 100), ("grpc.use_local_subchannel_pool", 1)]
        with grpc.insecure_channel(self.listen, options=options) as channel:
            try:
                grpc.channel_ready_future(channel).result(timeout=30)
            except BaseException:
                self.kill()
                raise

    def kill(self):
        self.process.kill()
        self.process.wait()

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)


class Line:
    """A line to the server that can lose all answers from now on."""

    def __init__(self, port):
        self.port, self.is_mute, self.open = port, False, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self):
        """Ends all connections; new ones are whole again."""
        connections, self.open, self.is_mute = self.open, [], False
        for end in connections:
            self._end(end)

    def close(self):
        self._end(self.listener)
        self.cut()

    @staticmethod
    def _end(end):
        # A thread may sit in a call on it: shutdown wakes it, close alone does not.
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)

    def _accept(self):
        with self.listener, contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self._connect, args=(client,), daemon=True).start()

    def _connect(self, client):
        with client, contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)) as server:
            self.open += [client, server]
            back = threading.Thread(target=self._carry, args=(server, client, True), daemon=True)
            back.start()
            self._carry(client, server, False)
            back.join()

    def _carry(self, source, target, is_answer):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if not (is_answer and self.is_mute):
                    target.sendall(data)
        self._end(source)
        self._end(target)
