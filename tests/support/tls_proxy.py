"""An HTTP proxy that plays the whole internet: every host name leads to one server on loopback, https too.

For https it answers CONNECT and speaks TLS itself with a certificate of its own making, which no client
trusts unless it is told to.
"""

import asyncio
import collections
import pathlib
import ssl
import subprocess
import threading


def make_certificate(folder, names=None):
    """A self-signed certificate and its key, in one PEM file. `names`: of its hosts, as in "DNS:localhost"."""
    target = pathlib.Path(folder) / "proxy.pem"
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=any host",
            *(["-addext", f"subjectAltName={names}"] if names else []),
            "-keyout",
            target,
            "-out",
            f"{target}.crt",
        ],
        check=True,
        capture_output=True,
    )
    with open(target, "a", encoding="ascii") as pem:
        pem.write(pathlib.Path(f"{target}.crt").read_text(encoding="ascii"))
    return target


class TlsProxy:
    def __init__(self, target_port, folder):
        self.target_port = target_port
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(make_certificate(folder))
        self.connects = collections.Counter()  # by host:port
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        self._thread.start()
        self._started.wait(10)
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(10)

    async def _serve(self):
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        self._tasks = set()
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._started.set()
        await self._stopping.wait()
        server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader, writer):
        task = asyncio.current_task()
        self._tasks.add(task)
        try:
            await self._talk(reader, writer)
        except (OSError, EOFError, asyncio.LimitOverrunError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _talk(self, reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        method, target, _ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ", 2)
        to_reader, to_writer = await asyncio.open_connection("127.0.0.1", self.target_port)
        try:
            if method == "CONNECT":
                self.connects[target] += 1
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                await writer.drain()
                await writer.start_tls(self.context)
            else:
                to_writer.write(head)  # servers accept the absolute form
            await asyncio.gather(_pump(reader, to_writer), _pump(to_reader, writer))
        finally:
            to_writer.close()


async def _pump(reader, writer):
    try:
        while piece := await reader.read(65536):
            writer.write(piece)
            await writer.drain()
    finally:
        writer.close()
