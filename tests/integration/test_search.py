"""Vector search with the real executable: the results are those of a search in NumPy that compares everything."""

import json
import sqlite3
import urllib.parse

import numpy as np
import pytest

from tests.support.catwalk_binary import wait_until
from tests.support.daemon_door import IDLE, Daemon
from tests.support.word_model import write_word_model

ADDED = 3000


def crc32c_table():
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


def crc32c(blob, table=crc32c_table()):
    total = 0xFFFFFFFF
    for byte in blob:
        total = table[(total ^ byte) & 0xFF] ^ total >> 8
    return total ^ 0xFFFFFFFF


def add_products(database):
    """Copies of a product, each with a picture of its own, around those that are there. Pairs show the same."""
    random = np.random.default_rng(4)
    with sqlite3.connect(database) as db:
        fields, fingerprint = db.execute(
            "select p.fields, i.fingerprint from products p join images i on i.url = p.vector_url limit 1"
        ).fetchone()
        (there,) = db.execute("select vector from images where vector is not null limit 1").fetchone()
        middle = np.frombuffer(there, "<f4")
        number = 0
        for number in range(ADDED):
            item = json.loads(fields) | {
                "id": f"added-{number}",
                "site": f"Site {number % 3}",
                "category": f"category {number % 4}",
                "gender": "women" if number % 2 else "men",
                "price_amount": str(number % 100),
                "currency": "EUR",
            }
            if number % 2 == 0:
                noise = random.standard_normal(len(middle)) * 0.03
                blob = (middle + noise).astype("<f4").tobytes()
                crc = crc32c(blob)
            url = f"https://pictures.test/{number}"
            db.execute(
                "insert into images (url, vector, crc32c, fingerprint, model, precision, decode, device, embedded) "
                "values (?, ?, ?, ?, 'm', 'fp32', 'exact', 'cpu', 1)",
                (url, blob, crc, fingerprint),
            )
            db.execute(
                "insert into products (id, site, endpoint_index, fields, field_hash, image_url, first_seen, last_seen, "
                "last_run, row_run, vector_state, vector_url) values (?, ?, 0, ?, 'h', ?, 1, 1, 1, 1, 'ready', ?)",
                (item["id"], item["site"], json.dumps(item), url, url),
            )
        db.execute(
            "update facts set value = cast(cast(value as integer) + 1 as text) where name = 'vectors_version'"
        )
    db.close()


def read_all(database):
    db = sqlite3.connect(database)
    rows = db.execute(
        "select p.id, p.fields, i.vector from products p join images i on i.url = p.vector_url order by p.number"
    ).fetchall()
    db.close()
    vectors = np.array([np.frombuffer(vector, "<f4") for _, _, vector in rows], np.float64)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return [identity for identity, _, _ in rows], [json.loads(fields) for _, fields, _ in rows], vectors


@pytest.fixture
def database(catwalk, configure, shop, workdir):
    configure(shop, schedule=IDLE)
    assert catwalk("scrape", "--allow-untrained").code == 0
    file = workdir / "state" / "catwalk.sqlite3"
    add_products(file)
    return file


def price(item):
    return float(item.get("sale_amount") or item.get("price_amount") or "nan")


FILTERS = {
    "": lambda item: True,
    "site=Zara": lambda item: item["site"] == "Zara",
    "category=category 2&gender=MEN": lambda item: item.get("category") == "category 2" and item.get("gender") == "men",
    "gender=women&min_price=20&max_price=30&currency=EUR": lambda item: (
        item.get("gender") == "women" and item.get("currency") == "EUR" and 20 <= price(item) <= 30
    ),
    "category=none": lambda item: item.get("category") == "none",
}


def test_the_nearest_are_those_of_numpy(catwalk, configure, shop, database, workdir):
    values = configure(shop, schedule=IDLE)
    process = catwalk.daemon(values["port"], "--allow-untrained")
    wait_until(lambda: process.get("/-/ready")[0] == 200)
    daemon = Daemon(process, workdir / "state")
    ids, items, vectors = read_all(database)
    compared = 0
    for asked in (ids[0], "added-7", "added-1500"):
        scores = vectors @ vectors[ids.index(asked)]
        for words, passes in FILTERS.items():
            for k in (1, 50, 200):
                best = [
                    number
                    for number in np.lexsort((np.arange(len(ids)), -np.round(scores, 12)))
                    if passes(items[number]) and ids[number] != asked
                ][:k]
                query = urllib.parse.urlencode({"id": asked, "k": k, **dict(urllib.parse.parse_qsl(words))})
                status, _, text = daemon.ask(
                    "GET", f"/api/v1/search?{query}", Authorization=f"Bearer {daemon.token}"
                )
                assert status == 200, text
                found = json.loads(text)["results"]
                assert [one["id"] for one in found] == [ids[number] for number in best], (asked, words, k)
                assert np.allclose([one["score"] for one in found], scores[best], rtol=0, atol=1e-6)
                compared += len(found)
    print(f"{compared} results of {len(ids)} vectors equal to NumPy's")
    assert "compared in full" in process.err


def test_more_than_search_memory_is_refused(catwalk, configure, shop, database, workdir):
    values = configure(shop, schedule=IDLE, search={"memory": "1MB"})
    asked = catwalk("search", "--id", "added-1", "--json")
    assert asked.code == 2 and "search.memory" in asked.err and "raise" in asked.err
    process = catwalk.daemon(values["port"], "--allow-untrained")
    wait_until(lambda: process.get("/-/ready")[0] == 200)
    daemon = Daemon(process, workdir / "state")
    status, _, text = daemon.ask(
        "GET", "/api/v1/search?id=added-1", Authorization=f"Bearer {daemon.token}"
    )
    assert status == 503 and "raise search.memory" in json.loads(text)["error"]["message"]
    assert process.ended is None


def test_the_command_tells_when_products_were_seen(catwalk, configure, shop, database):
    found = catwalk("search", "--id", "added-1", "-k", "2", "--json")
    assert found.code == 0, found
    assert [one["id"] for one in found.json["results"]] == ["added-0", "added-1"]
    assert found.json["results"][0]["first_seen"] == "1970-01-01T00:00:00Z"
    assert found.json["results"][0]["price_changed_at"] is None
    table = catwalk("search", "--id", "added-1", "-k", "2")
    assert table.code == 0 and len(table.out.splitlines()) == 2 and "seen 1970-01-01 to 1970-01-01  http" in table.out


@pytest.fixture(scope="module")
def words_model(tmp_path_factory):
    """A CLIP model with both towers, in Hugging Face's format."""
    return write_word_model(tmp_path_factory.mktemp("clip"))


def test_words_find_the_same_from_the_command_and_over_http(catwalk, configure, shop, workdir, words_model):
    settings = configure(shop, schedule=IDLE, embed={"model": "words", "models_dir": str(workdir / "models")})
    assert catwalk("model", "import", str(words_model), "--name", "words").code == 0
    assert catwalk("scrape", "Zara", "--limit", "12").code == 0
    for words in ("coat", "a long linen dress with flowers for the summer"):
        found = catwalk("search", "--text", words, "-k", "5", "--json")
        assert found.code == 0, found
        ids = [hit["id"] for hit in json.loads(found.out)["results"]]
        assert len(ids) == 5
        daemon = Daemon(catwalk.daemon(settings["port"]), workdir / "state")
        wait_until(lambda d=daemon: d.ask("GET", "/-/ready")[0] == 200)
        target = "/api/v1/search?" + urllib.parse.urlencode({"text": words, "k": 5})
        status, _, body = daemon.ask("GET", target, Authorization=f"Bearer {daemon.token}")
        assert status == 200
        assert [hit["id"] for hit in json.loads(body)["results"]] == ids
        assert daemon.process.terminate() == 0
