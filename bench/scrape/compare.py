"""Reads the same fixture shop with catwalk and with a Scrapy spider, and compares their CPU time.

Each reads a small and a large shop: the difference, by the difference in products, is what a product costs
without what starting costs. Runs take turns, so that a busy machine slows both.
"""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
TARGETS = {"shopify": 1 / 3, "zara": 1 / 5, "html": 1 / 4}
# Products of the small and the large shop where a product is a page of its own.
HTML_SIZES = (200, 2_000)

SHOPIFY_SITE = """- brand: Acme
  currency: EUR
  shopify: {origin}
"""

HTML_SITE = """- brand: Acme
  html:
    category_urls: ["{origin}/list"]
    product_link_selector: a.card__link
    product_selectors:
      title: h1.product__title
      description: .product__about
      price: .product__price .price
      image: .gallery img
      size: select[name=size] option
"""


def zara_site(origin):
    """The predecessor's stanza with the fixture's address, its one category, and nothing to visit before."""
    lines = (ROOT / "tests/integration/sites/zara-2026-02.yaml").read_text(encoding="utf-8").splitlines()
    kept, skipping = [], False
    for line in lines:
        if "/category/" in line and "2443335" not in line:
            continue
        if line.strip() == "prewarm:":
            skipping = True
            continue
        if skipping and line.strip().startswith("- "):
            continue
        skipping = False
        kept.append(line.replace("debug: true", "debug: false"))
    return "\n".join(kept).replace("https://www.zara.com", origin) + "\n  price_unit: minor\n"


class Shop:
    def __init__(self, products, kind):
        self.process = subprocess.Popen(
            [sys.executable, HERE / "shop.py", str(products), kind],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.origin = self.process.stdout.readline().strip()

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)


def run(arguments):
    """What the program printed, with the CPU seconds and the peak memory of its process."""
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
    out = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{arguments[0]} exited with {process.returncode}: {out}")
    answer = json.loads(out.splitlines()[-1])
    return {
        "products": answer["products"],
        "cpu_seconds": used.ru_utime + used.ru_stime,
        "rss_mb": used.ru_maxrss / 1024,
    }


def catwalk(kind, origin, folder):
    sites = folder / "sites.yaml"
    site = {"shopify": SHOPIFY_SITE.format, "html": HTML_SITE.format, "zara": zara_site}[kind]
    sites.write_text(site(origin=origin))
    state = folder / "state"
    shutil.rmtree(state, ignore_errors=True)
    state.mkdir()
    return run([str(ROOT / "build/release/bench/scrape_bench"), str(sites), str(state)])


def scrapy(kind, origin, folder):
    output = folder / "rows.jsonl"
    output.unlink(missing_ok=True)
    return run([str(ROOT / "build/bench/venv/bin/python"), str(HERE / "spider.py"), kind, origin, str(output)])


def compare(kind, sizes, rounds):
    """Medians over rounds in which the readers take turns."""
    readers = {"catwalk": catwalk, "scrapy": scrapy}
    costs, memory = {reader: [] for reader in readers}, {}
    shops = {size: Shop(size, kind) for size in sizes}
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for _ in range(rounds):
            for reader, read in readers.items():
                got = {size: read(kind, shop.origin, folder) for size, shop in shops.items()}
                found = tuple(one["products"] for one in got.values())
                if found != sizes:
                    sys.exit(f"{reader} read {found} products of {sizes}")
                small, large = (got[size]["cpu_seconds"] for size in sizes)
                costs[reader].append((large - small) * 1000 / (sizes[1] - sizes[0]))
                memory[reader] = {str(size): round(one["rss_mb"], 1) for size, one in got.items()}
    for shop in shops.values():
        shop.close()
    medians = {reader: statistics.median(values) for reader, values in costs.items()}
    return {
        "cpu_seconds_per_1000": {reader: round(value, 4) for reader, value in medians.items()},
        "rounds": {reader: [round(v, 4) for v in values] for reader, values in costs.items()},
        "products": list(sizes),
        "peak_rss_mb": memory,
        "ratio": round(medians["catwalk"] / medians["scrapy"], 3),
        "target": round(TARGETS[kind], 3),
    }


def measure_memory(sizes):
    """Peak memory of catwalk over shops of growing size."""
    peaks = {}
    with tempfile.TemporaryDirectory() as name:
        for size in sizes:
            shop = Shop(size, "shopify")
            got = catwalk("shopify", shop.origin, pathlib.Path(name))
            shop.close()
            if got["products"] != size:
                sys.exit(f"catwalk read {got['products']} products of {size}")
            peaks[str(size)] = round(got["rss_mb"], 1)
            print(f"memory    {size:>8} products: {peaks[str(size)]:.0f} MB", flush=True)
    return {"peak_rss_mb": peaks, "growth": round(peaks[str(sizes[-1])] / peaks[str(sizes[0])], 3), "target": 1.25}


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench scrape", description=__doc__)
    parser.add_argument("--products", type=int, default=10_000, help="in the large shop (default 10000)")
    parser.add_argument("--small", type=int, default=1_000, help="in the small one (default 1000)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--kinds", default="shopify,zara,html")
    parser.add_argument("--memory", action="store_true", help="also catwalk's memory up to 100,000 products")
    parser.add_argument("--json", type=pathlib.Path, default=ROOT / "build/bench/scrape.json")
    options = parser.parse_args()
    figures = {}
    print(f"{'pages':<10}{'catwalk':>10}{'scrapy':>10}{'ratio':>8}{'target':>8}   (CPU s per 1,000 products)")
    for kind in options.kinds.split(","):
        sizes = HTML_SIZES if kind == "html" else (options.small, options.products)
        figure = figures[kind] = compare(kind, sizes, options.rounds)
        cpu = figure["cpu_seconds_per_1000"]
        verdict = "met" if figure["ratio"] <= figure["target"] else "MISSED"
        print(
            f"{kind:<10}{cpu['catwalk']:>10.4f}{cpu['scrapy']:>10.4f}{figure['ratio']:>8.3f}"
            f"{figure['target']:>8.3f}   {verdict}",
            flush=True,
        )
    missed = any(figure["ratio"] > figure["target"] for figure in figures.values())
    if options.memory:
        figures["memory"] = measure_memory((1_000, 10_000, 100_000))
        missed = missed or figures["memory"]["growth"] > figures["memory"]["target"]
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(figures, indent=2) + "\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
