"""Each limit in time, on a server whose limits are short: what is too slow is ended, and nothing
else is.

usage: limits.py MAYSEND"""

import pathlib
import signal
import struct
import sys
import tempfile
import time

import server
import wire
from wire import DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, RESET, Line, frame, headers

SHORT = ["--handshake-timeout", "1", "--message-timeout", "1", "--stall-timeout", "1"]
QUESTION = wire.question([b"nobody"])
# What a server may take to act on a limit of one second.
PATIENCE = 6


def first(line, *kinds):
    """The first frame of such a kind: its kind, and its payload."""
    until = time.monotonic() + PATIENCE
    line.socket.settimeout(PATIENCE)
    for kind, _, _, payload in line.frames():
        if kind in kinds:
            return kind, payload
        assert time.monotonic() < until, f"none of {kinds}"


def ended(line):
    """Waits until the server hangs up."""
    try:
        first(line, -1)
    except ConnectionError:
        return
    raise AssertionError("it was not ended")


def mute(address, _):
    """who says nothing is cut off"""
    line = Line(address, preface=False)
    line.socket.settimeout(PATIENCE)
    while line.socket.recv(1000):
        pass


def half_a_message(address, _):
    """a message that does not go on is refused, and the connection lives"""
    line = Line(address)
    stream = line.stream()
    line.send(frame(HEADERS, END_HEADERS, stream, headers(wire.CHECK)))
    line.send(frame(DATA, 0, stream, QUESTION[:9]))
    first(line, HEADERS)
    assert line.ask(QUESTION), "the connection lives"


def rest_between_messages(address, _):
    """a stream may rest between messages, for longer than a message may take"""
    line = Line(address)
    stream = line.stream()
    line.send(frame(HEADERS, END_HEADERS, stream, headers(wire.STREAM)))
    for _ in range(2):
        time.sleep(2.5)
        line.send(frame(DATA, 0, stream, QUESTION))
        kind, _ = first(line, DATA, RESET)
        assert kind == DATA


def untaken_answer(address, _):
    """an answer that nobody takes is given up, and the connection lives"""
    line = Line(address, window=0)
    line.send(wire.call(line.stream(), QUESTION))
    kind, reason = first(line, RESET)
    assert kind == RESET, reason
    line.send(wire.settings(window=65535))
    assert line.ask(QUESTION), "the connection lives"


def deadline(address, _):
    """a stream ends at its deadline"""
    line = Line(address)
    stream = line.stream()
    soon = wire.literal(b"grpc-timeout", b"300m")
    line.send(frame(HEADERS, END_HEADERS, stream, headers(wire.STREAM, soon)))
    begun = time.monotonic()
    for _, flags, of, _ in line.frames():
        if of == stream and flags & END_STREAM:
            break
    assert 0.2 < time.monotonic() - begun < PATIENCE


def too_many_resets(address, _):
    """who takes back more than a few calls at once is sent away"""
    line = Line(address)
    streams = [line.stream() for _ in range(1000)]
    cancel = struct.pack(">I", 8)
    whole = [
        frame(HEADERS, END_HEADERS, stream, headers(wire.CHECK)) + frame(RESET, 0, stream, cancel)
        for stream in streams
    ]
    try:
        line.send(b"".join(whole))
        kind, payload = first(line, GOAWAY)
        assert payload[4:8] == struct.pack(">I", 11), "ENHANCE_YOUR_CALM"
    except ConnectionError:
        pass


def idle(address, _):
    """who is idle for long is told to leave, and does"""
    line = Line(address)
    assert line.ask(QUESTION)
    first(line, GOAWAY)
    ended(line)


def full_house(address, _):
    """at the limit the idlest makes room"""
    lines = [Line(address) for _ in range(4)]
    assert all(line.ask(QUESTION) for line in lines)
    time.sleep(2)
    assert all(line.ask(QUESTION) for line in lines[1:])
    newcomer = Line(address)
    assert newcomer.ask(QUESTION)
    ended(lines[0])
    assert all(line.ask(QUESTION) for line in [*lines[1:], newcomer])


def drain(address, process):
    """at the end connections are told to leave, calls under way end, and the server with them"""
    idler, caller = Line(address), Line(address)
    assert idler.ask(QUESTION)
    stream = caller.stream()
    caller.send(frame(HEADERS, END_HEADERS, stream, headers(wire.CHECK)))
    caller.send(frame(DATA, 0, stream, QUESTION[:9]))
    time.sleep(0.3)
    process.send_signal(signal.SIGTERM)
    first(idler, GOAWAY)
    ended(idler)
    caller.send(frame(DATA, END_STREAM, stream, QUESTION[9:]))
    kind, _ = first(caller, DATA)
    assert kind == DATA, "the call under way is answered"
    assert process.wait(20) == 0


CASES = [
    (mute, SHORT),
    (half_a_message, SHORT),
    (rest_between_messages, SHORT),
    (untaken_answer, SHORT),
    (deadline, []),
    (too_many_resets, []),
    (idle, ["--max-idle", "1"]),
    (full_house, ["--max-connections", "4"]),
    (drain, []),
]


def main():
    for case, options in CASES:
        with tempfile.TemporaryDirectory() as folder:
            process, address = server.start(sys.argv[1], pathlib.Path(folder), options)
            try:
                case(address, process)
            finally:
                process.kill()
                process.wait()
        print(f"ok: {case.__doc__}", flush=True)


if __name__ == "__main__":
    main()
