"""`catwalk scrape` from the shop into Supabase: what arrives, what a second run does, what a crash leaves."""

import csv
import json
import pathlib
import random
import shutil
import struct
import time

import pytest
import yaml

from tests.integration.expectation import VECTOR_COLUMN, check_rows
from tests.integration.site_files import FOLDER, site_text
from tests.support.loopback_http import AnsweringServer
from tests.support.tls_proxy import TlsProxy
from tests.support.zara_picture import picture
from tests.support.zara_shop import ZaraShop

SCRAPE = ("scrape", "Zara", "--limit", "50", "--allow-untrained")
LAYOUTS = {"catwalk": "2026-02", "2025-10": "2025-10"}  # of the table, and the date of sites.yaml


def as_float32(values):
    return struct.pack(f"<{len(values)}f", *values)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_fifty_rows_and_a_second_run_that_writes_nothing(catwalk, configure, supabase, shop, workdir, layout):
    supabase.create_table(layout)
    # In bf16 the last bits of a vector depend on how many pictures were in its batch: here, one.
    configure(shop, supabase, sites=site_text(shop, LAYOUTS[layout]), embed={"batch": 1})
    first = catwalk(*SCRAPE)
    assert first.code == 0, first
    check_rows(supabase.rows(), shop.all_products[:50], layout, shop.url)
    assert set(supabase.writes().values()) == {1}
    assert len(supabase.writes()) == 50

    asked = len(shop.requests("image"))
    supabase.control("clear_log")
    second = catwalk(*SCRAPE)
    assert second.code == 0, second
    assert supabase.writes() == {}
    assert supabase.requests("POST") == []
    assert len(shop.requests("image")) == asked, "pictures were fetched again"
    assert len(supabase.rows()) == 50

    compare_with_embed(catwalk, shop, supabase, workdir, layout)


class LargeShop(AnsweringServer):
    """A thousand products in pages of 100; fifty share a picture."""

    def __init__(self):
        self.asked = []
        super().__init__()

    def answer(self, target, _):
        self.asked.append(target)
        if target.startswith("/i/"):
            return 200, {"Content-Type": "image/jpeg"}, picture(target, 1)
        if not target.startswith("/list"):
            return 404, {}, b""
        first = 100 * (int(target.partition("page=")[2] or 1) - 1)
        listed = [
            {"id": f"c{n}", "name": f"Coat {n}", "price": "9.90", "image": f"/i/{n % 20}.jpg", "url": f"/p/{n}"}
            for n in range(first, min(1000, first + 100))
        ]
        return 200, {"Content-Type": "application/json"}, json.dumps({"items": listed}).encode()


def test_an_unchanged_shop_of_a_thousand_products_is_asked_for_its_pages_alone(catwalk, configure, supabase):
    with LargeShop() as shop:
        fields = {"external_id": "id", "title": "name", "price": "price", "image_url": "image", "product_url": "url"}
        api = {
            "endpoint": shop.url + "/list",
            "items_path": "items[]",
            "field_map": fields,
            "paging": {"page": "page"},
        }
        site = {"brand": "Large", "source": "large", "currency": "EUR", "respect_robots": False, "api": api}
        configure(supabase=supabase, sites=yaml.safe_dump([site]))
        first = catwalk("scrape", "Large", "--allow-untrained", "--json")
        assert first.code == 0, first
        assert len(supabase.rows()) == 1000
        pages = [target for target in shop.asked if target.startswith("/list")]
        assert len(shop.asked) == len(pages) + 20
        shop.asked.clear()
        supabase.control("clear_log")
        second = catwalk("scrape", "Large", "--allow-untrained", "--json")
        assert second.code == 0, second
        assert shop.asked == pages
        assert second.json["images_embedded"] == 0
        assert supabase.writes() == {}


def compare_with_embed(catwalk, shop, supabase, workdir, layout):
    """The vectors are those of `catwalk embed` for the same pictures, bit by bit."""
    pictures = workdir / "pictures"
    pictures.mkdir()
    by_file = {}
    for product in shop.all_products[:50]:
        file = pictures / f"{product.number:06}.jpg"
        file.write_bytes(shop.picture_of(product))
        by_file[file.name] = product
    done = catwalk("embed", pictures)
    assert done.code == 0, done
    stored = {row["product_url"]: row[VECTOR_COLUMN[layout]] for row in supabase.rows()}
    lines = [json.loads(line) for line in done.out.splitlines()]
    assert len(lines) == 50
    vectors = set()
    for line in lines:
        product = by_file[pathlib.Path(line["input"]).name]
        address = f"{shop.url}/us/en/{product.keyword}-p{product.id}.html?v1={product.id}"
        assert as_float32(stored[address]) == as_float32(line["embedding"]), product
        vectors.add(as_float32(line["embedding"]))
    assert len(vectors) == 50, "different pictures have one vector"


def test_the_predecessors_sites_file_unchanged(catwalk, configure, supabase, workdir):
    """Byte for byte its sites.yaml: Zara's own addresses over https, a proxy leads them to the shop."""
    categories = {"2443335": 12, "2418883": 5, "2419045": 4, "2418919": 3}
    names = {"2443335": "clothing", "2418883": "leather", "2419045": "puffers", "2418919": "beauty"}
    with ZaraShop(categories=categories) as shop, TlsProxy(shop.port, workdir) as proxy:
        configure(None, supabase, sites="")
        shutil.copy(FOLDER / "zara-2026-02.yaml", workdir / "sites.yaml")
        surroundings = {"HTTPS_PROXY": proxy.url, "NO_PROXY": "127.0.0.1", "INSECURE_SSL": "1"}
        done = catwalk("scrape", "--sites", "zara", "--allow-untrained", env=surroundings)
        assert done.code == 0, done
        assert "INSECURE_SSL" in done.err
        rows = supabase.rows()
        assert len(rows) == 24
        for number, products in shop.products.items():
            wanted = {f"https://www.zara.com/us/en/{p.keyword}-p{p.id}.html?v1={p.id}" for p in products}
            check_rows(
                [row for row in rows if row["product_url"] in wanted],
                products,
                "catwalk",
                "https://www.zara.com",
                pictures="https://static.zara.net",
                category=names[number],
            )
        assert {"www.zara.com:443", "static.zara.net:443"} <= set(proxy.connects)
        check_zara_requests(shop)


def check_zara_requests(shop):
    """Pictures: the headers without which Zara says 403. Pages: the site's own, and cookies."""
    images, pages = shop.requests("image"), shop.requests("page")
    assert len(images) == 24, "the main picture of each product, once"
    for seen in images:
        assert seen.host == "static.zara.net"
        assert "Chrome/" in seen.headers["user-agent"]
        assert seen.headers["referer"] == "https://www.zara.com/"
        assert seen.headers["accept"].startswith("image/avif,image/webp")
        assert seen.headers["sec-fetch-dest"] == "image"
        assert seen.headers["sec-fetch-mode"] == "no-cors"
        assert seen.headers["sec-fetch-site"] == "same-site"
        assert "catwalk" not in seen.headers["user-agent"]
    assert len({seen.path for seen in pages}) == 24, "every endpoint of the file"
    for seen in pages:
        assert "ajax=true" in seen.query
        assert seen.headers["referer"] == "https://www.zara.com/us/en/"
        assert seen.headers["accept"] == "application/json, text/plain, */*"
        assert seen.headers["accept-language"] == "en-US,en;q=0.9"
        assert "visited=yes" in seen.headers.get("cookie", "")
    prewarmed = [seen.path for seen in shop.requests("other") if seen.path != "/robots.txt"]
    assert "/us/en/woman-dresses-l1066.html" in prewarmed


def test_kill_at_any_moment_loses_and_doubles_nothing(catwalk, configure, supabase, shop):
    """Killed soon after the start, among the pictures, and while rows are sent, at moments drawn from a seed."""
    moments = random.Random(20261123)
    configure(shop, supabase, sink={"batch": 7}, embed={"batch": 4}, fetch={"images": {"per_host": 2}})
    shop.fault("slow", "/assets/", seconds=0.25)
    supabase.control("settings", latency=0.05)
    killed, held = 0, []
    for kind in ("start", "pictures", "rows", "pictures", "rows", "start", "rows", "pictures"):
        asked, written = len(shop.requests("image")), len(supabase.writes())
        more = moments.randint(1, 5)
        running = catwalk.begin(*SCRAPE)
        deadline = time.monotonic() + 60
        while running.ended is None and time.monotonic() < deadline and kind != "start":
            if kind == "pictures" and len(shop.requests("image")) >= asked + more:
                break
            if kind == "rows" and len(supabase.writes()) >= written + more:
                break
            time.sleep(0.005)
        time.sleep(moments.uniform(0.0, 1.5 if kind == "start" else 0.5))
        killed += running.ended is None
        running.kill()
        held.append(len(supabase.rows()))
    assert killed >= 3, "the runs were over before they were killed: the test shows nothing"
    assert any(0 < count < 50 for count in held), f"no kill fell between the first row and the last: {held}"
    shop.clear_faults()
    done = catwalk(*SCRAPE)
    assert done.code == 0, done
    check_rows(supabase.rows(), shop.all_products[:50], "catwalk", shop.url)
    supabase.control("clear_log")
    assert catwalk(*SCRAPE).code == 0
    assert supabase.writes() == {}


def test_kill_in_the_middle_with_the_old_table(catwalk, configure, supabase, shop):
    supabase.create_table("2025-10")
    configure(shop, supabase, sites=site_text(shop, "2025-10"), sink={"batch": 5})
    shop.fault("slow", "/assets/", seconds=0.1)
    running = catwalk.begin(*SCRAPE)
    deadline = time.monotonic() + 60
    while not 5 <= len(supabase.writes()) < 50 and time.monotonic() < deadline and running.ended is None:
        time.sleep(0.01)
    running.kill()
    assert 0 < len(supabase.rows()) < 50, f"it was not in the middle\n{running.err}"
    shop.clear_faults()
    done = catwalk(*SCRAPE)
    assert done.code == 0, done
    check_rows(supabase.rows(), shop.all_products[:50], "2025-10", shop.url)


def test_what_changes_is_written_and_nothing_else(catwalk, configure, supabase, shop):
    configure(shop, supabase)
    assert catwalk("scrape", "Zara", "--allow-untrained").code == 0
    assert len(supabase.rows()) == 60
    changed, repainted = shop.all_products[3], shop.all_products[40]
    changed.price = 4200
    repainted.version = 2
    supabase.control("clear_log")
    shop.clear_log()
    done = catwalk("scrape", "Zara", "--allow-untrained")
    assert done.code == 0, done
    assert len(supabase.writes()) == 2
    assert len(shop.requests("image")) == 1, "only the picture with a new address"
    check_rows(supabase.rows(), shop.all_products, "catwalk", shop.url)


def test_a_product_in_two_categories_keeps_the_last_one(catwalk, configure, supabase, workdir):
    with ZaraShop(categories={"2443335": 3, "2419032": 2}) as shop, TlsProxy(shop.port, workdir) as proxy:
        shop.products["2419032"] += shop.products["2443335"][:1]
        configure(None, supabase, sites="")
        shutil.copy(FOLDER / "zara-2026-02.yaml", workdir / "sites.yaml")
        done = catwalk(
            "scrape",
            "--allow-untrained",
            env={"HTTPS_PROXY": proxy.url, "NO_PROXY": "127.0.0.1", "INSECURE_SSL": "yes"},
        )
        assert done.code == 0, done
        rows = {row["product_url"].rsplit("=", 1)[1]: row["category"] for row in supabase.rows()}
        assert len(rows) == 5
        assert rows[str(shop.products["2443335"][0].id)] == "coats"


def test_a_category_that_does_not_come_through_keeps_its_rows_for_one_run(
    catwalk, configure, supabase, workdir
):
    with ZaraShop(categories={"2443335": 3, "2419032": 2}) as shop, TlsProxy(shop.port, workdir) as proxy:
        shared = shop.products["2443335"][0]
        shop.products["2419032"].append(shared)
        configure(None, supabase, sites="")
        shutil.copy(FOLDER / "zara-2026-02.yaml", workdir / "sites.yaml")

        def row_after_a_run():
            surroundings = {"HTTPS_PROXY": proxy.url, "NO_PROXY": "127.0.0.1", "INSECURE_SSL": "yes"}
            done = catwalk("scrape", "--allow-untrained", env=surroundings)
            assert "0 waiting" in done.out, done
            (row,) = [row for row in supabase.rows() if row["product_url"].endswith(f"={shared.id}")]
            return row

        before = row_after_a_run()
        assert before["category"] == "coats"
        shared.price += 100
        shop.fault("status", "2419032/products", status=404)
        assert row_after_a_run() == before
        # It does not come back, so its products' rows are those of the category that has them.
        row = row_after_a_run()
        assert row["category"] != "coats"
        assert row["price"] != before["price"]


def test_environment_of_the_predecessor(catwalk, configure, supabase, shop, workdir):
    """No sink in the file: SUPABASE_URL and SUPABASE_KEY say where the rows go."""
    configure(shop)
    surroundings = {"SUPABASE_URL": supabase.url, "SUPABASE_KEY": supabase.keys["service"]}
    done = catwalk("scrape", "--limit", "5", "--allow-untrained", env=surroundings)
    assert done.code == 0, done
    assert len(supabase.rows()) == 5
    supabase.sql("truncate products")
    (workdir / ".env").write_text("".join(f"{name}={value}\n" for name, value in surroundings.items()))
    shutil.rmtree(workdir / "state")
    done = catwalk("scrape", "--limit", "5", "--allow-untrained")
    assert done.code == 0, done
    assert len(supabase.rows()) == 5


@pytest.mark.parametrize("kind", ["secret", "service"])
def test_keys_go_where_they_belong(catwalk, configure, supabase, shop, workdir, kind):
    configure(shop, supabase)
    (workdir / "key").write_text(supabase.keys[kind] + "\n")
    done = catwalk("scrape", "--limit", "3", "--allow-untrained")
    assert done.code == 0, done
    posts = supabase.requests("POST")
    assert posts
    for seen in posts:
        assert seen["headers"]["apikey"] == supabase.keys[kind]
        if kind == "secret":
            assert "authorization" not in seen["headers"]
        else:
            assert seen["headers"]["authorization"] == f"Bearer {supabase.keys[kind]}"
        assert seen["headers"]["user-agent"].startswith("catwalk")
    assert supabase.keys[kind] not in done.out + done.err, "a secret in the output"


def test_dry_run_writes_nothing(catwalk, configure, supabase, shop):
    configure(shop, supabase)
    done = catwalk("scrape", "Zara", "--limit", "50", "--dry-run")
    assert done.code == 0, done
    assert supabase.rows() == []
    assert shop.requests("image") == []
    done = catwalk("scrape", "Zara", "--limit", "50", "--dry-run", "--json")
    report = done.json
    assert report["sites"][0]["products"] == 50


def test_output_file_holds_the_rows(catwalk, configure, shop, workdir):
    configure(shop)
    done = catwalk("scrape", "Zara", "--limit", "20", "--output", "rows.jsonl")
    assert done.code == 0, done
    rows = [json.loads(line) for line in (workdir / "rows.jsonl").read_text().splitlines()]
    for row in rows:
        if not isinstance(row["metadata"], str):
            row["metadata"] = json.dumps(row["metadata"])
        row.setdefault("size", None)
    check_rows(rows, shop.all_products[:20], "catwalk", shop.url)


def test_output_file_in_csv(catwalk, configure, shop, workdir):
    configure(shop)
    assert catwalk("scrape", "Zara", "--limit", "20", "--output", "rows.csv").code == 0
    csv.field_size_limit(1_000_000)
    with open(workdir / "rows.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert sorted(row["title"] for row in rows) == sorted(p.name for p in shop.all_products[:20])
    assert all(len(json.loads(row["image_embedding"])) == 512 for row in rows)


@pytest.mark.parametrize(
    "name, code, says",
    [
        ("none/rows.jsonl", 1, "none/rows.jsonl: No such file or directory"),
        ("rows.npy", 2, "rows.npy: not as .npy (name a file that ends in .jsonl or .csv)"),
        ("rows", 2, "its name has no ending"),
    ],
)
def test_an_output_that_cannot_be_written_is_found_before_the_run(catwalk, configure, shop, name, code, says):
    configure(shop)
    done = catwalk("scrape", "Zara", "--limit", "20", "--output", name, timeout=20)
    assert done.code == code, done
    assert says in done.err
    assert shop.requests() == []


def test_unknown_site_is_wrong_usage(catwalk, configure, shop):
    configure(shop)
    done = catwalk("scrape", "Zarra")
    assert done.code == 2, done
    assert "Zarra" in done.err
    assert "Zara" in done.err.replace("Zarra", "")


def test_untrained_model_needs_permission_for_a_real_sink(catwalk, configure, supabase, shop):
    configure(shop, supabase)
    done = catwalk("scrape", "Zara", "--limit", "5")
    assert done.code in (1, 2), done
    assert "--allow-untrained" in done.err
    assert "untrained" in done.err
    assert supabase.rows() == []
    assert supabase.requests("POST") == []
