"""What the outbox and the sinks cost, each beside bare clients in the same run.

Rows enqueued durably: against bare SQLite inserts with as many fsyncs, of the two texts alone and of every row that
enqueueing leaves behind. Sending, in CPU time of the client: the sink with rows in memory against libcurl with ready
bodies and COPY with ready batches, and the whole way from the outbox against those together with a bare client's
reading of the rows and their vectors. And the memory of an outbox that waits."""

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
# Bytes that a client hands to the socket at a time.
CURLS_PIECE = 65_536
CATWALKS_PIECE = 1_048_576


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


def per_row(took):
    return took["cpu_seconds"] / took["rows"]


def write_parts(file, parts):
    with file.open("wb") as out:
        for part in parts:
            out.write(len(part).to_bytes(4, "little") + part)


def sent_by_catwalk(folder, rows, *into):
    """The sink alone, with rows in memory, and the whole way out of the outbox. The connection is there before the
    time counts."""
    return {
        "client": per_row(run("upsert", filled(folder, rows), *into)),
        "from the outbox": per_row(run("send", filled(folder, rows), *into)),
    }


def sent_over_rest(folder, server, rows, batch):
    server.reset()
    server.create_table("catwalk")
    took = sent_by_catwalk(folder, rows, "supabase", server.url, server.key, batch)
    with psycopg.connect(server.dsn) as db:
        stored = [row for (row,) in db.execute("select to_json(p) from products p order by id")]
    bodies = folder / "bodies"
    batches = [stored[begin : begin + batch] for begin in range(0, rows, batch)]
    write_parts(bodies, (json.dumps(rows_of_it, separators=(",", ":")).encode() for rows_of_it in batches))
    url = f"{server.url}/rest/v1/products?on_conflict=id"
    for name, piece in (("libcurl", CURLS_PIECE), ("libcurl in catwalk's pieces", CATWALKS_PIECE)):
        took[name] = per_row(run("post", url, server.key, bodies, rows, piece))
    took["read bare"] = per_row(run("take", filled(folder, rows), "text", batch))
    return took


def sent_over_postgres(folder, server, rows, batch):
    server.reset()
    server.create_table("catwalk")
    took = sent_by_catwalk(folder, rows, "postgres", server.dsn, "", batch)
    for form, name in (("text", "COPY"), ("binary", "COPY in binary")):
        with psycopg.connect(server.dsn) as db:
            parts = []
            for begin in range(0, rows, batch):
                page = f"(select * from products order by id limit {batch} offset {begin})"
                with db.cursor().copy(f"copy {page} to stdout (format {form})") as copy:
                    parts.append(b"".join(copy))
            db.execute("create table copied (like products)")
        write_parts(folder / "batches", parts)
        took[name] = per_row(run("copy", server.dsn, "copied", form, folder / "batches", rows))
        with psycopg.connect(server.dsn) as db:
            assert db.execute("select count(*) from copied").fetchone() == (rows,)
            db.execute("drop table copied")
    took["read bare"] = per_row(run("take", filled(folder, rows), "binary", batch))
    return took


def report_sent(way, took):
    """`took`: CPU seconds a row by what was measured."""
    peer, stricter = [name for name in took if name.startswith(("libcurl", "COPY"))]
    client, drained = took["client"], took["from the outbox"]
    whole = took[peer] + took["read bare"]

    def beside(name, ours, bare):
        return f"{bare * 1e6:.1f} ({name}): {ours / bare:.2f}"

    print(
        f"sent over {way}, us of CPU a row\n"
        f"  rows in memory   {client * 1e6:6.1f}, beside {beside(peer, client, took[peer])} (mark: 1.5 or less), "
        f"{beside(stricter, client, took[stricter])}\n"
        f"  from the outbox  {drained * 1e6:6.1f}, beside {beside('bare, from the state', drained, whole)}, "
        f"{beside(peer, drained, took[peer])}"
    )


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
                results[name] = {what: statistics.median(took[what] for took in rounds) for what in rounds[0]}
                report_sent(name, results[name])
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
