"""Searches the same vectors with catwalk and with NumPy's matrix product, checks that both find the same, and
compares their times. Fails where a result differs."""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
BENCH = ROOT / "build/release/bench/search_bench"
WIDTH = 512
KINDS = {
    "cold": lambda row: True,
    "warm": lambda row: True,
    "site": lambda row: row // 2000 % 5 == 3,  # search_bench fills a page of 2,000 for one site
    "category, gender and price": lambda row: (row % 20 == 4) & (row % 2 == 0) & (row % 300 <= 100),
}


def exact(vectors, query, allowed, k):
    """The k best of the allowed rows by cosine in double precision, in blocks: [(row, score)]."""
    query = query.astype(np.float64)
    query /= np.linalg.norm(query)
    scores = np.empty(len(vectors))
    for begin in range(0, len(vectors), 50_000):
        part = vectors[begin : begin + 50_000].astype(np.float64)
        scores[begin : begin + 50_000] = part @ query / np.linalg.norm(part, axis=1)
    scores[~allowed] = -2
    best = np.lexsort((np.arange(len(scores)), -scores))[:k]
    return [(int(row), float(scores[row])) for row in best if scores[row] > -2]


def numpy_seconds(unit, query, k):
    """As a script would do it: normalised rows in memory, one product, the best by partition."""
    begun = time.perf_counter()
    scores = unit @ (query / np.linalg.norm(query))
    best = np.argpartition(-scores, k)[:k]
    best[np.argsort(-scores[best])]
    return time.perf_counter() - begun


def measure(rows, k, queries, memory):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="catwalk-search-", dir=ROOT / "build"))
    try:
        begun = time.perf_counter()
        subprocess.run([BENCH, "fill", folder, str(rows)], check=True)
        filled = time.perf_counter() - begun
        out = subprocess.run(
            [BENCH, "ask", folder, str(k), str(queries), str(memory)], check=True, stdout=subprocess.PIPE
        ).stdout
        answers = json.loads(out)
        begun = time.perf_counter()
        vectors = np.fromfile(folder / "vectors.f32", np.float32).reshape(rows, WIDTH)
        unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        cold = time.perf_counter() - begun
        peer = [numpy_seconds(unit, np.array(one["query"], np.float32), k) for one in answers["queries"]]
        del unit
        numbers = np.arange(rows)
        differing = 0
        for one in answers["queries"]:
            allowed = np.broadcast_to(KINDS[one["kind"]](numbers), (rows,))
            wanted = exact(vectors, np.array(one["query"], np.float32), allowed, k)
            same = [row for row, _ in wanted] == one["ids"] and np.allclose(
                [score for _, score in wanted], one["scores"], rtol=0, atol=1e-6
            )
            differing += not same
        times = {
            kind: statistics.median(q["seconds"] for q in answers["queries"] if q["kind"] == kind)
            for kind in KINDS
            if any(q["kind"] == kind for q in answers["queries"])
        }
        return {
            "rows": rows,
            "k": k,
            "queries": len(answers["queries"]),
            "differing": differing,
            "fill_seconds": filled,
            "catwalk_seconds": times,
            "catwalk_rss_mb": answers["rss_mb"],
            "numpy_cold_seconds": cold,
            "numpy_warm_seconds": statistics.median(peer),
            "numpy_mb": rows * WIDTH * 4 / 1e6,
        }
    finally:
        shutil.rmtree(folder)


def main():
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--rows", type=int, nargs="+", default=[100_000])
    asked.add_argument("-k", type=int, default=50)
    asked.add_argument("--queries", type=int, default=10)
    asked.add_argument("--memory", type=int, default=640_000_000)
    options = asked.parse_args()
    results = [measure(rows, options.k, options.queries, options.memory) for rows in options.rows]
    print(f"{'rows':>10} {'cold s':>8} {'warm ms':>8} {'site ms':>8} {'filter ms':>9} {'MB':>6}   NumPy: cold s, warm ms, MB")
    for r in results:
        t = r["catwalk_seconds"]
        print(
            f"{r['rows']:>10} {t['cold']:>8.2f} {t['warm'] * 1e3:>8.1f} {t['site'] * 1e3:>8.1f} "
            f"{t['category, gender and price'] * 1e3:>9.1f} {r['catwalk_rss_mb']:>6.0f}   "
            f"{r['numpy_cold_seconds']:.2f}, {r['numpy_warm_seconds'] * 1e3:.1f}, {r['numpy_mb']:.0f}"
        )
        print(f"{'':>10} {r['queries']} searches of the {r['k']} nearest, {r['differing']} differ from NumPy's")
    (ROOT / "build/bench").mkdir(parents=True, exist_ok=True)
    (ROOT / "build/bench/search.json").write_text(json.dumps({"cores": os.cpu_count(), "results": results}, indent=1))
    return 1 if any(r["differing"] for r in results) else 0


if __name__ == "__main__":
    sys.exit(main())
