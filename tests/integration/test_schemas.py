"""The JSON Schemas for editors say of a file what `catwalk check` says of it."""

import json
import os
import pathlib
import re
import textwrap

import jsonschema
import pytest
import yaml

from tests.support.catwalk_binary import ROOT

SCHEMAS = ROOT / "config" / "schema"
PREDECESSOR = pathlib.Path(os.environ.get("CATWALK_SUITES", "/nonexistent")) / ".." / "predecessor"


class Loader(yaml.SafeLoader):
    """YAML 1.2's core schema, as editors read it: `on` and `no` are texts, and so is a date."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in rules if not tag.endswith((":bool", ":timestamp", ":merge"))]
    for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile("^(true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)


def validator(name):
    schema = json.loads((SCHEMAS / name).read_text())
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema)


SETTINGS, SITES = validator("catwalk.schema.json"), validator("sites.schema.json")


def wrong(schema, text):
    return [error.message for error in schema.iter_errors(yaml.load(text, Loader))]


@pytest.fixture
def check(catwalk, workdir):
    def run(settings=None, sites=None):
        if settings is not None:
            (workdir / "catwalk.yaml").write_text(settings)
        if sites is not None:
            (workdir / "sites.yaml").write_text(sites)
        (workdir / "secret").write_text("s3cret")
        return catwalk("check", env={"STATE_DIRECTORY": str(workdir / "state")})

    return run


GOOD_SETTINGS = [
    "",
    "sites: sites.yaml",
    "state: { dir: /var/lib/catwalk, min_free: 256MB }",
    "state: { min_free: 1000000 }",
    "http: { listen: '127.0.0.1:0', token: { file: secret }, embed_public: yes, reload: on, hosts: [a.example] }",
    "http: { hosts: a.example }",
    "http: { token: 12345678 }",
    "schedule:\n  timezone: Europe/Prague\n  jobs:\n    - { name: nightly, cron: '0 3 * * *', sites: all,"
    " sync: true, jitter: 10m, catch_up: false, overlap: queue, timeout: 1h30m, on_restart: restart }",
    "fetch:\n  pages: { concurrency: 4, delay: 0s, timeout: 1m30s }\n  images: { max_bytes: 20 MiB }",
    "fetch: { pages: { delay: } }",
    "fetch: { pages: { delay: 0 } }",
    "embed: { threads: 2, precision: fp32, text: on, remote: { timeout: 500ms } }",
    "embed: { threads: auto, queue: { items: 64, bytes: 64MB } }",
    "sink: { kind: file, path: rows.jsonl, headers: { x-a: b }, columns: { image_embedding: embedding, title: } }",
    "sink: { kind: file, path: rows.jsonl, columns: auto }",
    "sync: { max_delete_fraction: 0.5, min_rows: 0, action: mark }",
    "notify: { events: [new, gone] }",
    "notify: { events: new }",
    "log: { level: off, format: json }",
    "shutdown_timeout: 1m",
]

BAD_SETTINGS = [
    "sits: sites.yaml",
    "fetch: { pages: { delays: 1s } }",
    "fetch: { pages: { delay: 1 } }",
    "fetch: { pages: { delay: soon } }",
    "fetch: { pages: { delay: 1s1m } }",
    "fetch: { pages: { concurrency: 0 } }",
    "fetch: { pages: { concurrency: many } }",
    "fetch: { robots: perhaps }",
    "fetch: { pages: [1, 2] }",
    "state: { min_free: 3 parsecs }",
    "state: { min_free: [1] }",
    "embed: { precision: fp64 }",
    "embed: { threads: 0 }",
    "embed: { threads: some }",
    "embed: { queue: 5 }",
    "sink: { kind: mysql }",
    "sink: { columns: none }",
    "sink: { headers: [a] }",
    "sink: { kind: file, path: r.jsonl, key: { vault: x } }",
    "sink: { kind: file, path: r.jsonl, key: { credential: a, file: b } }",
    "sync: { max_delete_fraction: 1.5 }",
    "notify: { events: [newer] }",
    "log: { level: loud }",
    "schedule: { jobs: nightly }",
    "schedule: { jobs: [nightly] }",
    "schedule: { jobs: [{ name: nightly }] }",
    "schedule: { jobs: [{ cron: '0 3 * * *' }] }",
    "schedule: { jobs: [{ name: a, cron: '0 3 * * *', overlap: wait }] }",
    "schedule: { jobs: [{ name: a, cron: '0 3 * * *', every: 1h }] }",
    "- a",
]


@pytest.mark.parametrize("text", GOOD_SETTINGS)
def test_settings_that_are_right(check, text):
    answer = check(text, "[]\n")
    assert answer.code == 0, answer
    assert wrong(SETTINGS, text) == []


@pytest.mark.parametrize("text", BAD_SETTINGS)
def test_settings_that_are_wrong(check, text):
    answer = check(text, "[]\n")
    assert answer.code == 2, answer
    assert "yaml:1:" in answer.out, answer
    assert wrong(SETTINGS, text)


# What every item needs: without it `check` refuses the map as a whole.
MAP = "field_map: { external_id: id, title: [t, name], price: p, currency: , image_url: i, gender: null }"
API = f"api: {{ endpoint: https://a.example/x, items_path: 'p[]', {MAP} }}"
GOOD_SITES = [
    "",
    "[]",
    f"- {{ brand: A, {API} }}",
    f"- {{ brand: A, country: no, source: 7, delay: 2s, currency: EUR, price_unit: minor, {API} }}",
    f"- {{ brand: A, category_names: {{ 12: coats }}, image_url_contains: [], second_hand: yes, {API} }}",
    "- { brand: A, api: { endpoints: [https://a.example/x, https://a.example/y], items_path: [a, b],"
    " MAP, params: { a: [1, 2] }, headers: { Accept: x } } }",
    "- { brand: A, api: { endpoint: https://a.example/x, items_path: p, MAP, paging: { page: p, first: 0 } } }",
    "- { brand: A, shopify: https://a.example }",
    "- { brand: A, shopify: { url: https://a.example, collections: all } }",
    "- { name: A, sitemap: [https://a.example/1.xml, https://a.example/2.xml] }",
    "- { name: A, feed: { urls: [HTTPS://a.example/f.xml] } }",
    "- { name: A, html: { category_urls: https://a.example/c, product_selectors: { title: h3, price: } } }",
    "- { name: A, html: { sitemaps: https://a.example/s.xml, sitemap_url_contains: /p/ } }",
]
BAD_SITES = [
    "brand: A",
    "- A",
    "- { brand: A }",
    f"- {{ {API} }}",
    f"- {{ brand: A, shopify: https://a.example, {API} }}",
    f"- {{ brand: A, delay: 2, {API} }}",
    f"- {{ brand: A, currency: eur, {API} }}",
    f"- {{ brand: A, price_unit: cents, {API} }}",
    f"- {{ brand: A, image_width: 0, {API} }}",
    f"- {{ brand: A, respect_robot: no, {API} }}",
    f"- {{ brand: A, second_hand: perhaps, {API} }}",
    "- { brand: A, api: { endpoint: https://a.example/x, items_path: p } }",
    "- { brand: A, api: { items_path: p, MAP } }",
    "- { brand: A, api: { endpoint: a.example/x, items_path: p, MAP } }",
    "- { brand: A, api: { endpoint: ftp://a.example/x, items_path: p, MAP } }",
    "- { brand: A, api: { endpoint: https://a.example/x, items_path: { a: b }, MAP } }",
    "- { brand: A, api: { endpoint: https://a.example/x, items_path: p, field_map: { price: { a: b } } } }",
    "- { brand: A, api: { endpoint: https://a.example/x, items_path: p, MAP, headers: { 'a b': c } } }",
    "- { brand: A, api: { endpoint: https://a.example/x, items_path: p, MAP, paging: { first: x } } }",
    "- { brand: A, api: { endpoint: https://a.example/x, items_path: p, MAP,"
    " paging: { cursor_parameter: c } } }",
    "- { brand: A, api: { items_path: p, MAP, discover_categories: { items_path: c } } }",
    "- { brand: A, html: { product_selector: .p } }",
    "- { brand: A, shopify: { collections: all } }",
    "- { brand: A, shopify: [https://a.example, https://b.example] }",
    "- { brand: A, sitemap: { url_contains: /p/ } }",
    "- { brand: A, feed: shop.example/feed.xml }",
]


@pytest.mark.parametrize("text", GOOD_SITES)
def test_sites_that_are_right(check, text):
    text = text.replace("MAP", MAP)
    answer = check("", text)
    assert answer.code == 0, answer
    assert wrong(SITES, text) == []


@pytest.mark.parametrize("text", BAD_SITES)
def test_sites_that_are_wrong(check, text):
    text = text.replace("MAP", MAP)
    answer = check("", text)
    assert answer.code == 2, answer
    assert "sites.yaml:1:" in answer.out, answer
    assert wrong(SITES, text)


def test_the_files_that_ship_and_those_of_the_tests():
    for file in (*ROOT.glob("docs/examples/*.yaml"), *ROOT.glob("systemd/*.yaml")):
        schema = SITES if file.name.startswith("sites") else SETTINGS
        assert wrong(schema, file.read_text()) == [], file
    for file in ROOT.glob("tests/integration/sites/*.yaml"):
        assert wrong(SITES, file.read_text()) == [], file


def test_examples_in_the_documentation():
    examples = [
        (page.name, text)
        for page in (ROOT / "README.md", *ROOT.glob("docs/*.md"))
        for text in map(textwrap.dedent, re.findall(r"(?s) *```yaml\n(.*?)\n *```", page.read_text()))
    ]
    assert examples
    for page, text in examples:
        schema = SITES if text.lstrip("# \n").startswith("-") else SETTINGS
        assert wrong(schema, text) == [], (page, text)


@pytest.mark.skipif(not PREDECESSOR.exists(), reason="CATWALK_SUITES is not set, or has no ../predecessor")
def test_the_predecessors_files():
    files = sorted(PREDECESSOR.glob("sites-*.yaml"))
    assert len(files) == 3
    for file in files:
        assert wrong(SITES, file.read_bytes().decode("utf-8-sig")) == [], file


def test_every_mistake_is_reported_at_once_with_its_place(check):
    answer = check(
        "fetch:\n  pages:\n    concurency: 4\n    delay: soon\nsink: { kind: supabse }\nlog: { level: loud }\n"
        "schedule: { jobs: [{ name: n, cron: '61 * * * *', sites: [Atelier Nrod] }] }\n",
        "- brand: Atelier Nord\n  respect_robot: no\n  api:\n    endpoint: https://a.example/x\n"
        "    items_path: 'products['\n    field_map: { title: name }\n",
    )
    assert answer.code == 2
    told = answer.out.splitlines()
    for place, says in [
        ("catwalk.yaml:3:5", "unknown key 'concurency' in fetch.pages; did you mean 'concurrency'?"),
        ("catwalk.yaml:4:12", "expected a duration, found 'soon'"),
        ("catwalk.yaml:5:15", "did you mean 'supabase'?"),
        ("catwalk.yaml:6:15", "expected trace, debug"),
        ("catwalk.yaml:7:37", "job 'n'"),
        ("catwalk.yaml:7:", "did you mean 'Atelier Nord'?"),
        ("sites.yaml:2:3", "unknown key 'respect_robot' in a site; did you mean 'respect_robots'?"),
        ("sites.yaml:5:26", "items_path"),
    ]:
        assert [line for line in told if place in line and says in line], (place, says, answer.out)
