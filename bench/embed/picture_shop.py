"""The fixture shop of the pipeline's benchmark: products whose pictures were drawn beforehand, no delays.

    picture_shop.py PRODUCTS FILE…        prints its address, serves until its stdin is closed

`/products.json?limit=250&page=N` is a Shopify shop; `/img/N.jpg` is one of the files with its product's number behind
the end of the picture, so that no two are the same file.
"""

import asyncio
import json
import pathlib
import sys
from urllib.parse import parse_qs, urlsplit

PAGE = 250


def product(number, origin):
    return {
        "id": number,
        "title": f"Thing {number}",
        "handle": f"thing-{number}",
        "body_html": "<p>A thing.</p>",
        "vendor": "Acme",
        "product_type": "Coats",
        "tags": ["Women"],
        "variants": [{"id": number * 10, "title": "M", "option1": "M", "available": True, "price": "19.90"}],
        "images": [{"id": number, "position": 1, "src": f"{origin}/img/{number}.jpg"}],
        "options": [{"name": "Size", "position": 1, "values": ["M"]}],
    }


def listing(count, target, origin):
    first = (int(parse_qs(target.query).get("page", ["1"])[0]) - 1) * PAGE
    products = [product(number, origin) for number in range(first, min(first + PAGE, count))]
    return json.dumps({"products": products}).encode()


async def serve(count, pictures):
    origin = ""

    def body_of(target):
        if target.path.startswith("/img/"):
            number = int(pathlib.PurePosixPath(target.path).stem)
            return "image/jpeg", pictures[number % len(pictures)] + str(number).encode()
        if target.path == "/products.json":
            return "application/json", listing(count, target, origin)
        return "application/json", None

    async def answer(reader, writer):
        try:
            while line := await reader.readline():
                while await reader.readline() not in (b"\r\n", b""):
                    pass
                kind, body = body_of(urlsplit(line.split()[1].decode()))
                status = "404 Not Found" if body is None else "200 OK"
                head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body or b'')}\r\n\r\n"
                writer.write(head.encode() + (body or b""))
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    origin = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    print(origin, flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), [pathlib.Path(f).read_bytes() for f in sys.argv[2:]]))
