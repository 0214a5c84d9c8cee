"""What the outbox and the sinks cost, each beside bare clients in the same run: rows enqueued durably against bare
SQLite inserts with as many fsyncs, of the two texts alone and of every row that enqueueing leaves behind; the CPU time
of sending against libcurl with ready bodies and COPY with ready lines, alone and together with a bare client's reading
of the rows and their vectors from the state; and the memory of an outbox that waits."""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

import psycopg

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.support.contract_server import ContractServer  # noqa: E402

SINK = ROOT / "build/release/bench/sink_bench"
FILL = ROOT / "build/release/bench/search_bench"


def run(*words):
    return json.loads(subprocess.run([SINK, *map(str, words)], check=True, stdout=subprocess.PIPE).stdout)


def fresh(folder, name):
    path = folder / name
    shutil.rmtree(path, ignore_errors=True)
    return path


def enqueued(folder, rows, page):
    ours = run("enqueue", fresh(folder, "state"), rows, page)
    for file in folder.glob("bare.sqlite*"):
        file.unlink()
    bare = run("insert", folder / "bare.sqlite", rows, page)
    same = run("insert-rows", fresh(folder, "bare"), rows, page)
    return tuple(side["rows"] / side["seconds"] for side in (ours, bare, same))


def filled(folder, rows):
    state = fresh(folder, "filled")
    subprocess.run([FILL, "fill", state, str(rows)], check=True)
    return state


def taken(folder, rows, how, batch):
    took = run("take", filled(folder, rows), how, batch)
    return took["cpu_seconds"] / took["rows"]


def sent(ours, ready, take):
    return ours["cpu_seconds"] / ours["rows"], ready, ready + take


def sent_over_rest(folder, server, rows, batch):
    server.reset()
    server.create_table("catwalk")
    ours = run("send", filled(folder, rows), "supabase", server.url, server.key, batch)
    with psycopg.connect(server.dsn) as db:
        stored = [row for (row,) in db.execute("select to_json(p) from products p order by id")]
    bodies = folder / "bodies"
    with bodies.open("w") as out:
        for begin in range(0, len(stored), batch):
            out.write(json.dumps(stored[begin : begin + batch], separators=(",", ":")) + "\n")
    bare = run("post", f"{server.url}/rest/v1/products?on_conflict=id", server.key, bodies, 1)
    return sent(ours, bare["cpu_seconds"] / len(stored), taken(folder, rows, "text", batch))


def sent_over_postgres(folder, server, rows, batch):
    server.reset()
    server.create_table("catwalk")
    ours = run("send", filled(folder, rows), "postgres", server.dsn, "", batch)
    lines = folder / "lines"
    with psycopg.connect(server.dsn) as db:
        names = [c.name for c in db.execute("select * from products limit 0").description]
        with lines.open("wb") as out:
            out.write((",".join(f'"{name}"' for name in names) + "\n").encode())
            with db.cursor().copy("copy products to stdout") as copy:
                for block in copy:
                    out.write(block)
        db.execute("truncate products")
    bare = run("copy", server.dsn, "products", lines, batch)
    return sent(ours, bare["cpu_seconds"] / bare["rows"], taken(folder, rows, "binary", batch))


def main():
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--rows", type=int, default=20_000, help="enqueued")
    asked.add_argument("--sent", type=int, default=4_000, help="sent, with vectors")
    asked.add_argument("--rounds", type=int, default=3)
    asked.add_argument("--page", type=int, default=100)
    asked.add_argument("--batch", type=int, default=100)
    asked.add_argument("--waiting", type=int, default=0, help="rows that wait for a sink that is away, besides 10,000")
    options = asked.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="catwalk-sink-", dir=ROOT / "build"))
    results = {"cores": os.cpu_count(), **vars(options)}
    try:
        rounds = [enqueued(folder, options.rows, options.page) for _ in range(options.rounds)]
        ours, bare, same = (statistics.median(side) for side in zip(*rounds, strict=True))
        results["enqueue"] = {
            "rows_per_second": ours,
            "bare": bare,
            "ratio": ours / bare,
            "bare_same_rows": same,
            "ratio_same_rows": ours / same,
        }
        print(
            f"enqueued durably   {ours:10.0f} rows/s, bare inserts {bare:.0f}: ratio {ours / bare:.2f} (mark: 0.7 or "
            f"more); of the same rows {same:.0f}: ratio {ours / same:.2f}"
        )
        with ContractServer() as server:
            for name, measure in (("rest", sent_over_rest), ("postgres", sent_over_postgres)):
                rounds = [measure(folder, server, options.sent, options.batch) for _ in range(options.rounds)]
                ours, bare, whole = (statistics.median(side) * 1e6 for side in zip(*rounds, strict=True))
                results[name] = {
                    "cpu_us_per_row": ours,
                    "bare": bare,
                    "ratio": ours / bare,
                    "bare_from_state": whole,
                    "ratio_from_state": ours / whole,
                }
                peer = "libcurl" if name == "rest" else "COPY"
                print(
                    f"sent over {name:9} {ours:9.0f} us CPU a row, bare {peer} {bare:.0f}: "
                    f"ratio {ours / bare:.2f} (mark: 1.5 or less); from the state {whole:.0f}: "
                    f"ratio {ours / whole:.2f}"
                )
        for rows in filter(None, (10_000, options.waiting)):
            state = fresh(folder, "state")
            run("enqueue", state, rows, 2_000)
            waits = run("wait", state)
            results[f"waiting_{rows}"] = waits
            print(f"waiting            {waits['rows']:10} rows: {waits['rss_mb']:.0f} MB")
    finally:
        shutil.rmtree(folder)
    (ROOT / "build/bench").mkdir(parents=True, exist_ok=True)
    (ROOT / "build/bench/sink.json").write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
