"""What the fixture shops of the benchmarks have in common: HTTP on loopback, without delays."""

import asyncio
import sys
from urllib.parse import urlsplit


async def serve(answer_to):
    """Prints its address and serves until stdin is closed; `answer_to(target, headers, origin)` gives status, headers
    (both as they go onto the wire) and body. `headers` of the request are bytes in lower case."""
    origin = ""

    async def answer(reader, writer):
        try:
            while line := await reader.readline():
                asked = b""
                while (header := await reader.readline()) not in (b"\r\n", b""):
                    asked += header.lower()
                status, headers, body = answer_to(urlsplit(line.split()[1].decode()), asked, origin)
                head = b"HTTP/1.1 " + status + b"\r\n" + headers + f"Content-Length: {len(body)}\r\n\r\n".encode()
                writer.write(head + body)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, limit=1 << 20)
    origin = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    print(origin, flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
