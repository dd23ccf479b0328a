"""WebSocket framing (RFC 6455), small enough to send wrong things on purpose.

Both directions over asyncio streams: the server side judges what it reads, the client side is for
the tests of the server.
"""
import base64
import hashlib
import os
import struct

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
CONT, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
MAX_FRAME = 64 << 20


class Wrong(Exception):
    """The peer broke the protocol."""


def accept_of(key):
    return base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()


def frame(opcode, payload=b"", fin=True, mask=None, rsv=0, length=None):
    """The bytes of one frame. `length` lies about the payload's; `mask` is 4 bytes for a client."""
    n = len(payload) if length is None else length
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    bit = 0x80 if mask else 0
    if n < 126:
        head += bytes([bit | n])
    elif n < 1 << 16:
        head += bytes([bit | 126]) + struct.pack(">H", n)
    else:
        head += bytes([bit | 127]) + struct.pack(">Q", n)
    if mask:
        payload = xor(payload, mask)
        head += mask
    return head + payload


def xor(data, mask):
    n = len(data)
    whole = mask * (n // 4 + 1)
    return (int.from_bytes(data, "big") ^ int.from_bytes(whole[:n], "big")).to_bytes(n, "big")


async def read_frame(reader, masked):
    """One frame: (fin, opcode, payload). `masked`: what the peer's side must do."""
    a, b = await reader.readexactly(2)
    fin, rsv, opcode, n = bool(a & 0x80), a >> 4 & 7, a & 15, b & 0x7F
    if rsv:
        raise Wrong("reserved bits %d set" % rsv)
    if bool(b & 0x80) != masked:
        raise Wrong("frame %s masked" % ("not" if masked else "is"))
    if opcode not in (CONT, TEXT, BINARY, CLOSE, PING, PONG):
        raise Wrong("opcode %d" % opcode)
    if opcode >= 8 and (not fin or n > 125):
        raise Wrong("control frame fragmented or too long")
    if n == 126:
        n, = struct.unpack(">H", await reader.readexactly(2))
        if n < 126:
            raise Wrong("length not in its shortest form")
    elif n == 127:
        n, = struct.unpack(">Q", await reader.readexactly(8))
        if n < 1 << 16:
            raise Wrong("length not in its shortest form")
    if n > MAX_FRAME:
        raise Wrong("frame of %d bytes" % n)
    mask = await reader.readexactly(4) if masked else b""
    data = await reader.readexactly(n)
    return fin, opcode, xor(data, mask) if masked else data


async def read_message(reader, writer, masked, on_control=None):
    """One whole message: (opcode, payload). Pings are answered; a close frame is a message."""
    kind, parts = None, []
    while True:
        fin, opcode, data = await read_frame(reader, masked)
        if opcode == PING:
            writer.write(frame(PONG, data, mask=None if masked else os.urandom(4)))
            if on_control:
                on_control(opcode, data)
            continue
        if opcode == PONG:
            if on_control:
                on_control(opcode, data)
            continue
        if opcode == CLOSE:
            if len(data) == 1:
                raise Wrong("close frame of one byte")
            return CLOSE, data
        if (opcode == CONT) != (kind is not None):
            raise Wrong("continuation out of place")
        if kind is None:
            kind = opcode
        parts.append(data)
        if fin:
            return kind, b"".join(parts)
