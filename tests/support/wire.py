"""Answers on the wire as a broken network gives them: reset, cut off, trickling."""

import asyncio
import http
import socket
import struct

from aiohttp import web


def raw_response(status, headers, body):
    """A whole HTTP/1.1 answer."""
    try:
        reason = http.HTTPStatus(status).phrase
    except ValueError:
        reason = "Unknown"
    lines = [f"HTTP/1.1 {status} {reason}", *(f"{name}: {value}" for name, value in headers.items())]
    if status != 204:
        lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body


async def send_part(request, data):
    transport = request.transport
    if transport is None or transport.is_closing() or not data:
        return
    transport.write(data)
    while transport.get_write_buffer_size() > 0 and not transport.is_closing():
        await asyncio.sleep(0.001)


async def reset(request, data):
    """Sends `data`, then a TCP reset."""
    await send_part(request, data)
    if data:
        await asyncio.sleep(0.02)  # a reset overtakes what the client has not read yet
    transport = request.transport
    if transport is not None:
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return gone()


async def cut_off(request, data):
    """Sends `data`, then closes the connection in order."""
    await send_part(request, data)
    if request.transport is not None:
        request.transport.close()
    return gone()


async def trickle(request, data, seconds, pieces=20):
    size = max(1, len(data) // pieces)
    for start in range(0, len(data), size):
        await send_part(request, data[start : start + size])
        await asyncio.sleep(seconds / pieces)
    return await cut_off(request, b"")


class Gone(web.Response):
    """Stands for an answer that was already written: aiohttp writes nothing more."""

    async def prepare(self, request):
        return None

    async def write_eof(self, data=b""):
        return None


def gone():
    return Gone()
