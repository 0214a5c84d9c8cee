"""Runs the contract server: `python -m tests.support.postgrest --port 0 --print-url --layout catwalk`.

Prints one line of JSON, {"url", "key", "pid", "dsn", "keys"}, once it answers; ends on SIGTERM, SIGINT or
(with --until-stdin-closes) when its standard input closes, and takes Postgres and its folder with it.
"""

import argparse
import asyncio
import json
import os
import signal
import sys

from .supabase.postgres import Postgres, die_with_parent
from .supabase.server import Server
from .supabase.tables import LAYOUTS, create_table_sql


async def serve(postgres, options):
    loop = asyncio.get_running_loop()
    server = Server(postgres)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.stopping.set)
    await server.start(options.port)
    try:
        if options.layout:
            await server.admin.execute(create_table_sql(options.layout, options.table, options.width))
            await server.reload()
        key = server.keys.service if options.legacy_key else server.keys.secret
        if options.print_url:
            print(
                json.dumps(
                    {
                        "url": server.url,
                        "key": key,
                        "pid": os.getpid(),
                        "dsn": postgres.dsn,
                        "keys": vars(server.keys),
                    }
                ),
                flush=True,
            )
        if options.until_stdin_closes:
            loop.add_reader(
                sys.stdin.fileno(), lambda: server.stopping.set() if not os.read(0, 4096) else None
            )
        await server.stopping.wait()
    finally:
        await server.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--print-url", action="store_true", help="print the line of JSON when ready")
    parser.add_argument("--layout", choices=LAYOUTS, help="create a table of this layout")
    parser.add_argument("--table", default="products")
    parser.add_argument("--width", type=int, help="of the table's vectors")
    parser.add_argument("--legacy-key", action="store_true", help="print the JWT key instead of sb_secret_…")
    parser.add_argument("--until-stdin-closes", action="store_true")
    parser.add_argument("--die-with-parent", action="store_true")
    options = parser.parse_args()
    if options.die_with_parent:
        die_with_parent(signal.SIGTERM)()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # also while Postgres is being set up
    with Postgres() as postgres:
        asyncio.run(serve(postgres, options))


if __name__ == "__main__":
    main()
