"""HTTP/2 in raw frames: as much of it as a gRPC client says, and all that it must not say."""

import socket
import struct

DATA, HEADERS, RESET, SETTINGS, PING, GOAWAY, WINDOW, CONTINUATION = 0, 1, 3, 4, 6, 7, 8, 9
END_STREAM, END_HEADERS, ACK = 1, 4, 1
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
CHECK = "/maysend.v1.DecisionService/Check"
MINT = "/maysend.v1.PreferenceService/MintLinks"
STREAM = "/maysend.v1.DecisionService/CheckStream"


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def settings(**values):
    numbers = {"window": 4, "frame": 5}
    return frame(SETTINGS, 0, 0, b"".join(struct.pack(">HI", numbers[k], v) for k, v in values.items()))


def literal(name, value):
    """A header that no table remembers, without Huffman's code."""
    return b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value


def headers(path, extra=b""):
    path = path.encode()
    # By the static table: POST, http, a path.
    block = b"\x83\x86\x04" + bytes([len(path)]) + path + b"\x01\x04host"
    return block + literal(b"te", b"trailers") + literal(b"content-type", b"application/grpc") + extra


def varint(number):
    out = b""
    while number > 0x7F:
        out, number = out + bytes([number & 0x7F | 0x80]), number >> 7
    return out + bytes([number])


def text(field, value):
    return bytes([field << 3 | 2]) + varint(len(value)) + value


def message(body):
    return b"\0" + struct.pack(">I", len(body)) + body


def question(addresses):
    parts = [text(1, b"festival"), text(2, b"2026-11-advent")]
    return message(b"".join(parts + [text(3, address) for address in addresses]))


def call(stream, body, path=CHECK):
    """A whole call; its body goes in frames of 16 KiB."""
    out = [frame(HEADERS, END_HEADERS, stream, headers(path))]
    pieces = [body[at : at + 16384] for at in range(0, len(body), 16384)] or [b""]
    for piece in pieces[:-1]:
        out.append(frame(DATA, 0, stream, piece))
    return b"".join(out + [frame(DATA, END_STREAM, stream, pieces[-1])])


class Line:
    """A connection."""

    def __init__(self, address, window=None, preface=True, tls=None):
        self.socket = socket.create_connection(address, timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket)
        self.next = 1
        self.buffer = b""
        if preface:
            values = {} if window is None else {"window": window}
            self.send(PREFACE + settings(**values))

    def send(self, octets):
        self.socket.sendall(octets)

    def stream(self):
        self.next += 2
        return self.next - 2

    def frames(self):
        """The frames as they come; answers to what the server asks are sent."""
        while True:
            while len(self.buffer) >= 9:
                length = int.from_bytes(self.buffer[:3], "big")
                if len(self.buffer) < 9 + length:
                    break
                kind, flags = self.buffer[3], self.buffer[4]
                stream = int.from_bytes(self.buffer[5:9], "big") & 0x7FFFFFFF
                payload, self.buffer = self.buffer[9 : 9 + length], self.buffer[9 + length :]
                if kind == SETTINGS and not flags & ACK:
                    self.send(frame(SETTINGS, ACK, 0))
                if kind == PING and not flags & ACK:
                    self.send(frame(PING, ACK, 0, payload))
                yield kind, flags, stream, payload
            more = self.socket.recv(65536)
            if not more:
                raise ConnectionError("closed")
            self.buffer += more

    def ask(self, body, path=CHECK):
        """One call from its beginning to its end: the octets of its answer."""
        stream = self.stream()
        self.send(call(stream, body, path))
        answer = b""
        for kind, flags, of, payload in self.frames():
            if kind == GOAWAY:
                raise ConnectionError("sent away")
            if of != stream:
                continue
            if kind == DATA:
                answer += payload
                if payload:
                    grant = struct.pack(">I", len(payload))
                    self.send(frame(WINDOW, 0, 0, grant) + frame(WINDOW, 0, stream, grant))
            if kind == RESET:
                raise ConnectionError("reset")
            if flags & END_STREAM and kind in (HEADERS, DATA):
                return answer

    def closed(self):
        """Whether the server has hung up; what it said is dropped."""
        self.socket.setblocking(False)
        try:
            while True:
                if not self.socket.recv(65536):
                    return True
        except BlockingIOError:
            return False
        except OSError:
            return True
        finally:
            self.socket.settimeout(10)

    def close(self):
        self.socket.close()
