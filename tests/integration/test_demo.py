"""`catwalk demo`: the whole path without configuration; its shop alone, scraped, searched, and misbehaving."""

import contextlib
import json
import os
import re
import signal
import sqlite3
import time
import urllib.error
import urllib.parse
import urllib.request

import numpy as np
import pytest

from tests.support.catwalk_binary import Catwalk, free_port, wait_until
from tests.support.terminal import Terminal

PRODUCTS = 15  # two thirds in one of the shop's formats, the rest in another


@pytest.fixture
def place(tmp_path):
    """The environment of a machine without a model, with a temporary folder of its own."""
    (tmp_path / "tmp").mkdir()
    return {"TMPDIR": str(tmp_path / "tmp"), "STATE_DIRECTORY": str(tmp_path / "state")}


@pytest.fixture
def place_with_model(place, models_dir, tmp_path):
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "models").symlink_to(models_dir)
    return place


def left_behind(place):
    return os.listdir(place["TMPDIR"])


def fetch(address, body=None, timeout=10, token=None):
    """(status, text)"""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    request = urllib.request.Request(address, None if body is None else json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def requests_of(origin):
    return json.loads(fetch(f"{origin}/__requests")[1])


# The whole demo


def test_without_a_terminal_it_tells_what_happened_and_ends(catwalk, place):
    done = catwalk("demo", "--products", 40, env=place)
    assert done.code == 0, done

    def number(pattern):
        found = re.search(pattern, done.out, re.MULTILINE)
        assert found, f"{pattern} in {done}"
        return float(found[1])

    assert number(r"^products +(\d+)") == 40
    assert number(r"^images +(\d+)") == 40
    assert number(r"(\d+) failed") == 0
    assert 0 < number(r"([\d.]+) images/s") < 10_000
    assert number(r"^vectors +(\d+)") == 40
    assert number(r"^rows +(\d+)") == 0
    origin = re.search(r"http://127\.0\.0\.1:\d+", done.err)[0]
    assert len(re.findall(r"^catwalk search --image ", done.out, re.MULTILINE)) == 1
    answers = re.findall(r"^(\d\.\d{4})  \S.*  (http://\S+)$", done.out, re.MULTILINE)
    assert len(answers) == 5
    assert sorted(answers, key=lambda answer: -float(answer[0])) == answers
    assert float(answers[0][0]) <= 1
    assert all(address.startswith(f"{origin}/products/") for _, address in answers)
    # What it ran with is said, and no colours or bars go to a pipe.
    assert "no model is installed" in done.err and "catwalk model pull" in done.err
    assert "untrained" in done.err and "untrained" in done.out
    assert "\x1b" not in done.out + done.err
    assert left_behind(place) == []
    assert not os.path.exists(place["STATE_DIRECTORY"]), "the user's own folder is not the demo's"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_half_way_it_leaves_nothing(catwalk, place_with_model, number):
    process = catwalk.begin("demo", "--products", 3000, env=place_with_model)
    origin = wait_until(lambda: re.search(r"shop answers at (http://\S+)", process.err), 60)[1]
    wait_until(lambda: requests_of(origin).get("/photos", 0) > 20, 60)
    assert left_behind(place_with_model) != []
    process.process.send_signal(number)
    begun = time.monotonic()
    assert process.wait(30) == 130, process.err
    assert time.monotonic() - begun < 15
    assert left_behind(place_with_model) == []
    assert "catwalk search --image" not in process.out


def test_a_second_signal_ends_it_at_once_and_leaves_nothing(catwalk, place_with_model):
    process = catwalk.begin("demo", "--products", 3000, env=place_with_model)
    origin = wait_until(lambda: re.search(r"shop answers at (http://\S+)", process.err), 60)[1]
    wait_until(lambda: requests_of(origin).get("/photos", 0) > 20, 60)
    process.process.send_signal(signal.SIGINT)
    process.process.send_signal(signal.SIGINT)
    assert process.wait(30) == 130, process.err
    assert left_behind(place_with_model) == []


def test_a_signal_while_it_makes_its_model_leaves_nothing(catwalk, place):
    process = catwalk.begin("demo", "--products", 300, env=place)
    wait_until(lambda: left_behind(place), 60)
    process.process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 130, process.err
    assert left_behind(place) == []


def test_in_a_terminal_it_stays_until_ctrl_c(place_with_model, tmp_path):
    terminal = Terminal("demo", "--products", 30, env=place_with_model, cwd=tmp_path)
    try:

        def address():
            assert terminal.process.poll() is None, terminal.shown()
            return re.search(r"^health +(http://\S+)", terminal.shown(), re.MULTILINE)

        health = wait_until(address, 90)[1]
        assert "Ctrl-C" in wait_until(lambda: "Ctrl-C" in terminal.shown() and terminal.text)
        assert "\r\x1b[K" in terminal.text, "no progress was drawn"
        assert "catwalk search --image" in terminal.text
        time.sleep(1)
        assert terminal.process.poll() is None
        status, text = fetch(health)
        assert status == 200
        assert "untrained" in text
        assert fetch(health.replace("/health", "/metrics"))[0] == 200
        page, token = re.search(r"^dashboard +(http://\S+/)#token=(\S+)", terminal.text, re.MULTILINE).groups()
        assert fetch(page)[0] == 200
        assert fetch(page + "api/v1/products")[0] == 401
        assert fetch(page + "api/v1/products", token=token)[0] == 200
        terminal.type(b"\x03")
        assert terminal.process.wait(15) == 0, terminal.shown()
    finally:
        terminal.close()
    assert left_behind(place_with_model) == []
    with pytest.raises(OSError):
        fetch(health)


@pytest.mark.parametrize("arguments, says", [(("--products", 0), "--products"), (("--seed", "x"), "--seed")])
def test_wrong_usage(catwalk, place, arguments, says):
    done = catwalk("demo", *arguments, env=place)
    assert done.code == 2, done
    assert says in done.err
    assert left_behind(place) == []


# The shop alone


@pytest.fixture(scope="module")
def demo_shop(tmp_path_factory):
    """(origin, text of the sites file) of a running shop."""
    folder = tmp_path_factory.mktemp("shop")
    runner = Catwalk(folder)
    process = runner.begin(
        "demo", "--shop-only", "--products", PRODUCTS, "--write-sites", folder / "sites.yaml"
    )
    origin = wait_until(lambda: process.out.strip(), 30)
    yield origin, (folder / "sites.yaml").read_text()
    assert process.terminate(10) == 0, process.err


@pytest.fixture
def shop_origin(demo_shop):
    fetch(f"{demo_shop[0]}/__faults", [])
    yield demo_shop[0]
    fetch(f"{demo_shop[0]}/__faults", [])


@pytest.fixture
def scrape(catwalk, configure, demo_shop, shop_origin, workdir):
    """scrape(…): one run over the shop; (result, rows by id)."""
    configure(sites=demo_shop[1])

    def run(*arguments):
        rows = workdir / "rows.jsonl"
        rows.unlink(missing_ok=True)
        done = catwalk("scrape", "--output", rows, *arguments)
        found = [json.loads(line) for line in rows.read_text().splitlines()] if rows.exists() else []
        assert len({row["id"] for row in found}) == len(found), "a row is there twice"
        return done, {row["id"]: row for row in found}

    return run


def test_its_sites_file_is_scraped_and_searched(catwalk, scrape, shop_origin, workdir):
    done, rows = scrape()
    assert done.code == 0, done
    assert len(rows) == PRODUCTS
    assert {row["source"] for row in rows.values()} == {"demo", "demo-mira"}
    for row in rows.values():
        assert row["title"]
        currency = "USD" if row["source"] == "demo" else "EUR"
        assert re.fullmatch(rf"\d+(\.\d+)?{currency}", row["price"]), row
        assert row["image_url"].startswith(f"{shop_origin}/photos/")
        assert row["product_url"].startswith(f"{shop_origin}/products/")
        assert fetch(row["product_url"])[0] == 200
        vector = np.array(row["image_embedding"])
        assert vector.shape == (512,)
        assert abs(np.linalg.norm(vector) - 1) < 1e-5
    assert len({row["image_url"].rsplit(".", 1)[1] for row in rows.values()}) == 3, "JPEG, PNG and WebP"

    for row in list(rows.values())[:: PRODUCTS // 3]:
        found = catwalk("search", "--id", row["id"], "-k", 3, "--json")
        assert found.code == 0, found
        nearest = found.json["results"]
        assert len(nearest) == 3
        assert nearest[0]["id"] == row["id"]
        assert nearest[0]["score"] > 0.999
        scores = [other["score"] for other in nearest]
        assert scores == sorted(scores, reverse=True)
        # The scores are those of the rows.
        for other in nearest:
            expected = np.dot(row["image_embedding"], rows[other["id"]]["image_embedding"])
            assert abs(other["score"] - expected) < 1e-4
    check_search_by_image(catwalk, rows, workdir)
    check_searches_for_nothing(catwalk, workdir)
    check_a_second_run(scrape, shop_origin, rows)


def check_search_by_image(catwalk, rows, workdir):
    row = next(row for row in rows.values() if row["source"] == "demo-mira")
    file = workdir / row["image_url"].rsplit("/", 1)[1]
    with urllib.request.urlopen(row["image_url"], timeout=10) as answer:
        file.write_bytes(answer.read())
    found = catwalk("search", "--image", file, "-k", 2, "--json")
    assert found.code == 0, found
    assert found.json["untrained"] is True
    assert found.json["results"][0]["id"] == row["id"]
    assert found.json["results"][0]["score"] > 0.999
    one_site = catwalk("search", "--image", file, "-k", PRODUCTS, "--site", "Atelier Nord", "--json")
    assert {other["site"] for other in one_site.json["results"]} == {"Atelier Nord"}
    assert len(one_site.json["results"]) == PRODUCTS * 2 // 3
    table = catwalk("search", "--image", file, "-k", 2)
    assert table.code == 0 and row["title"][:30] in table.out.splitlines()[0]


def check_a_second_run(scrape, origin, first):
    """Nothing changed: no picture is fetched again, and the rows are the same."""
    before = requests_of(origin)["/photos"]
    done, rows = scrape()
    assert done.code == 0, done
    assert requests_of(origin)["/photos"] == before
    assert "images: 0 embedded, 0 failed" in done.out
    assert rows == first


def check_searches_for_nothing(catwalk, workdir):
    (workdir / "page.jpg").write_text("<!doctype html><p>no")
    for arguments, says in (
        (("--id", "nobody"), "nobody"),
        (("--image", "none.jpg"), "none.jpg"),
        (("--image", "page.jpg"), "page.jpg"),
    ):
        done = catwalk("search", *arguments)
        assert done.code == 1, done
        assert says in done.err
        assert done.out == ""


@pytest.mark.parametrize(
    "arguments, code, says",
    [
        ((), 2, "--image"),
        (("--id", "x", "--image", "y"), 2, "--image"),
        (("--text", "coat", "--id", "x"), 2, "--text"),
        (("--text", "coat"), 1, "catwalk scrape"),
        (("--id", "x", "-k", 0), 2, "-k"),
        (("--id", "x"), 1, "catwalk scrape"),
    ],
)
def test_searches_that_cannot_be(catwalk, configure, arguments, code, says):
    configure(sites="[]\n")
    done = catwalk("search", *arguments)
    assert done.code == code, done
    assert says in done.err


# kind of the shop's fault -> what is said, whether another time may be better, settings
FAULTS = {
    "403": ("403", True, {}),
    "429": ("429", True, {}),
    "slow": ("time", True, {"images": {"timeout": "1s"}}),
    "truncated": ("", True, {}),
    "huge": ("the limit is 20000000", False, {}),
    "html": ("HTML", False, {}),
}


@pytest.mark.parametrize("kind", FAULTS)
def test_pictures_that_fail(configure, demo_shop, shop_origin, scrape, workdir, kind):
    says, passes, settings = FAULTS[kind]
    configure(sites=demo_shop[1], fetch=settings)
    _, products = scrape("--dry-run")
    assert len(products) == PRODUCTS
    bad = [
        next(row for row in products.values() if row["source"] == source) for source in ("demo", "demo-mira")
    ]
    paths = [urllib.parse.urlsplit(row["image_url"]).path for row in bad]
    status, _ = fetch(f"{shop_origin}/__faults", [{"kind": kind, "path": path} for path in paths])
    assert status == 200

    done, rows = scrape()
    assert done.code == 3, done
    assert rows.keys() == products.keys(), "a product without a picture is a product still"
    without = {name for name, row in rows.items() if row.get("image_embedding") is None}
    assert without == {row["id"] for row in bad}
    assert f"images: {PRODUCTS - 2} embedded, 2 failed" in done.out
    for path in paths:
        (line,) = {line for line in done.err.splitlines() if path in line and "warning" in line}
        assert says.lower() in line.lower()

    fetch(f"{shop_origin}/__faults", [])
    let_the_pause_pass(workdir)
    asked = requests_of(shop_origin)["/photos"]
    done, rows = scrape()
    assert done.code == 0, done
    again = 2 if passes else 0
    assert f"images: {again} embedded, 0 failed" in done.out
    assert requests_of(shop_origin)["/photos"] == asked + again
    assert sum(1 for row in rows.values() if row.get("image_embedding")) == PRODUCTS - 2 + again


def let_the_pause_pass(workdir):
    """What waits for its next try is due."""
    with contextlib.closing(sqlite3.connect(workdir / "state" / "catwalk.sqlite3")) as state:
        for table in ("products", "images"):
            state.execute(f"update {table} set next_try = 1 where next_try is not null")
        state.commit()


def test_a_slow_picture_is_waited_for(scrape, shop_origin):
    fetch(f"{shop_origin}/__faults", [{"kind": "slow", "path": "/photos/", "every": 5}])
    done, rows = scrape()
    assert done.code == 0, done
    assert len(rows) == PRODUCTS and all(row["image_embedding"] for row in rows.values())


@pytest.mark.parametrize(
    "kind, says",
    [("403", "403"), ("html", "JSON"), ("truncated", ""), ("huge", "the limit is 50000000")],
)
def test_a_listing_that_fails_takes_no_other_with_it(scrape, shop_origin, kind, says):
    fetch(f"{shop_origin}/__faults", [{"kind": kind, "path": "/mira/products.json"}])
    done, rows = scrape()
    assert done.code == 3, done
    assert len(rows) == PRODUCTS * 2 // 3
    assert all(row["source"] == "demo" and row["image_embedding"] for row in rows.values())
    (line,) = {line for line in done.out.splitlines() if "/mira/products.json" in line}
    assert says in line
    fetch(f"{shop_origin}/__faults", [])
    done, rows = scrape()
    assert done.code == 0, done
    assert len(rows) == PRODUCTS


def test_what_robots_forbid_is_not_asked_for(catwalk, configure, demo_shop, shop_origin, workdir):
    configure(sites=demo_shop[1].replace("/mira/products.json", "/private/products.json"))
    before = requests_of(shop_origin)
    done = catwalk("scrape", "Mira")
    assert done.code == 3, done
    assert "robots" in done.out + done.err
    after = requests_of(shop_origin)
    assert after.get("/private", 0) == before.get("/private", 0)
    assert after["/robots.txt"] > before.get("/robots.txt", 0)


def test_the_shop_is_private_unless_permitted(catwalk, configure, demo_shop, shop_origin):
    configure(sites=demo_shop[1], fetch={"allow_private_addresses": False})
    before = requests_of(shop_origin)
    done = catwalk("scrape")
    assert done.code in (1, 3), done
    assert "allow_private_addresses" in done.out + done.err
    assert requests_of(shop_origin) == before


def test_faults_are_checked(shop_origin):
    for wrong in ({"kind": "403"}, [{"kind": "nonsense"}]):
        status, text = fetch(f"{shop_origin}/__faults", wrong)
        assert status == 400
        assert "error" in json.loads(text)
    assert fetch(f"{shop_origin}/photos/none.jpg")[0] == 404


def test_a_port_in_use_is_named(catwalk, demo_shop):
    done = catwalk("demo", "--shop-only", "--shop-listen", demo_shop[0].removeprefix("http://"))
    assert done.code == 1, done
    assert demo_shop[0].rsplit(":", 1)[1] in done.err
    assert "in use" in done.err


def test_a_sites_file_that_cannot_be_written(catwalk):
    done = catwalk("demo", "--shop-only", "--write-sites", "none/sites.yaml", timeout=20)
    assert done.code == 1, done
    assert "none/sites.yaml" in done.err


def test_the_address_can_be_chosen(catwalk):
    listen = f"127.0.0.1:{free_port()}"
    process = catwalk.begin("demo", "--shop-only", "--products", 3, "--shop-listen", listen)
    assert wait_until(lambda: process.out.strip(), 30) == f"http://{listen}"
    assert fetch(f"http://{listen}/sitemap.xml")[1].count("<loc>") == 3
    assert process.terminate(10) == 0
