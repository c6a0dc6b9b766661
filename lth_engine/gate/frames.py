"""Messages between processes: four bytes of length, most significant first, and that much JSON. Never pickle."""

from __future__ import annotations

import json
import math
import socket
from collections.abc import Iterator, Mapping
from typing import Any

LONGEST = 32_000_000
"""Bytes that one child may send in all its messages together."""

VALUES = 1_000_000
"""Values in all of them together: as objects they take up to 100 bytes each."""

REQUEST = 4_000_000
"""Bytes of a request."""


class BadFrame(Exception):
    """What came is no message, or too much."""


class TooLong(Exception):
    """What is to be sent is longer than the other side takes."""


def packed(message: Mapping[str, Any]) -> bytes:
    """A message as bytes.

    Raises:
        ValueError: it holds NaN or infinity, or something that JSON does not know (TypeError).
    """
    text = json.dumps(message, allow_nan=False, separators=(",", ":")).encode("utf-8", "replace")
    return len(text).to_bytes(4, "big") + text


def unpacked(text: bytes) -> dict[str, Any]:
    """The message in bytes.

    Raises:
        BadFrame: it is no JSON object.
    """
    try:
        message = json.loads(text, parse_constant=lambda _: None, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise BadFrame("no JSON") from error
    if not isinstance(message, dict):
        raise BadFrame("no object")
    return message


def _finite(text: str) -> float:
    """A number that JSON can write: 1e999 is read as infinity."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("not finite")
    return value


class Stream:
    """Messages out of bytes as they come.

    Args:
        most: bytes that are taken in all.
        values: values that are taken in all.
    """

    def __init__(self, most: int = LONGEST, values: int = VALUES) -> None:
        self._held = bytearray()
        self._left, self._values = most, values

    def feed(self, data: bytes) -> Iterator[dict[str, Any]]:
        """Take bytes, give the messages that are whole by now.

        Raises:
            BadFrame: too much came, or no message.
        """
        self._left -= len(data)
        if self._left < 0:
            raise BadFrame("too long")
        self._held += data
        while len(self._held) >= 4:
            length = int.from_bytes(self._held[:4], "big")
            if length > self._left + len(self._held):
                raise BadFrame("too long")
            if len(self._held) < 4 + length:
                return
            text = bytes(self._held[4:4 + length])
            del self._held[:4 + length]
            self._values -= sum(text.count(mark) for mark in (b",", b"[", b"{"))
            if self._values < 0:
                raise BadFrame("too many values")
            yield unpacked(text)


def send(line: socket.socket, message: Mapping[str, Any], descriptors: list[int]) -> None:
    """Send a message and open files over a Unix socket.

    Raises:
        TooLong: it is longer than `REQUEST`; nothing was sent.
    """
    data = packed(message)
    if len(data) > REQUEST:
        raise TooLong(f"{len(data)} bytes")
    sent = socket.send_fds(line, [data[:4]], descriptors)
    line.sendall(data[sent:])


def receive(line: socket.socket, most_files: int = 0) -> tuple[dict[str, Any], list[int]] | None:
    """One message and its open files from a Unix socket; None at its end.

    Raises:
        BadFrame: it is no message.
    """
    if most_files:
        head, descriptors, _, _ = socket.recv_fds(line, 4, most_files)
    else:
        head, descriptors = line.recv(4), []
    body = bytearray(head)
    while len(body) < 4 or len(body) < 4 + int.from_bytes(body[:4], "big"):
        missing = 4 - len(body) if len(body) < 4 else 4 + int.from_bytes(body[:4], "big") - len(body)
        if missing > REQUEST:
            raise BadFrame("too long")
        more = line.recv(min(missing, 1 << 16))
        if not more:
            return None
        body += more
    return unpacked(bytes(body[4:])), list(descriptors)
