"""`catwalk try`: JMESPath, cron, robots.txt and normalising, one at a time, from a file or from stdin."""

import json
import subprocess

import pytest

from tests.support.catwalk_binary import binary_path, environment


@pytest.fixture
def attempt(workdir):
    """attempt(*arguments, stdin=text): the exit code, stdout and stderr of `catwalk try …`."""

    def run(*arguments, stdin=""):
        return subprocess.run(
            [binary_path(), "try", *arguments],
            cwd=workdir,
            env=environment(),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    return run


# JMESPath


@pytest.mark.parametrize(
    "expression, found",
    [
        ("shop.products[?price > `20`].name", ["coat"]),
        ("shop.products[*].{n: name, p: price}", [{"n": "sock", "p": 5}, {"n": "coat", "p": 99.5}]),
        ("shop.products[0].missing", None),
        ("sum(shop.products[].price)", 104.5),
        ("shop.name", "Käse & Brot"),
        ("length(shop.products) == `2`", True),
        ("shop.products[::-1][].name", ["coat", "sock"]),
    ],
)
def test_jmespath_prints_what_it_finds(attempt, workdir, expression, found):
    document = {
        "shop": {
            "name": "Käse & Brot",
            "products": [{"name": "sock", "price": 5}, {"name": "coat", "price": 99.5}],
        }
    }
    (workdir / "shop.json").write_text(json.dumps(document))
    from_file = attempt("jmespath", expression, "shop.json")
    assert from_file.returncode == 0, from_file
    assert json.loads(from_file.stdout) == found
    from_stdin = attempt("jmespath", expression, stdin=json.dumps(document))
    assert (from_stdin.returncode, from_stdin.stdout) == (0, from_file.stdout)


@pytest.mark.parametrize(
    "expression, kind, says",
    [
        ("a[", "syntax", "end of the expression"),
        ("a..b", "syntax", ""),
        ("length(a)", "invalid-type", "length"),
        ("length(a, b)", "invalid-arity", "length"),
        ("nonsense(a)", "unknown-function", "nonsense"),
        ("b[::0]", "invalid-value", "step"),
    ],
)
def test_jmespath_errors_have_a_kind(attempt, expression, kind, says):
    done = attempt("jmespath", expression, stdin='{"a": 1, "b": [1, 2]}')
    assert done.returncode == 1, done
    answer = json.loads(done.stdout)
    assert set(answer) == {"error", "message"}
    assert answer["error"] == kind
    assert says in answer["message"]


def test_a_syntax_error_is_pointed_at(attempt):
    done = attempt("jmespath", "abc.def.%", stdin="{}")
    assert done.returncode == 1
    shown, caret = done.stderr.splitlines()[:2]
    assert shown == "abc.def.%"
    assert caret.index("^") == shown.index("%")


@pytest.mark.parametrize("text", ['{"a":', "", "{'a': 1}", "[1,]", "\x00"])
def test_jmespath_needs_json(attempt, text):
    done = attempt("jmespath", "a", stdin=text)
    assert done.returncode == 1, done
    assert done.stdout == ""
    assert "JSON" in done.stderr and "stdin" in done.stderr


def test_a_missing_file_is_named(attempt):
    for arguments in (
        ("jmespath", "a", "none.json"),
        ("robots", "none.json", "--agent", "a", "--url", "/"),
        ("normalise", "none.json"),
    ):
        done = attempt(*arguments)
        assert done.returncode == 1, done
        assert "none.json" in done.stderr
        assert done.stdout == ""


# Cron


def times(attempt, *arguments):
    done = attempt("cron", *arguments)
    assert done.returncode == 0, done
    return json.loads(done.stdout)


def test_cron_across_the_change_of_clocks(attempt):
    # 2026-03-29 02:00 -> 03:00, 2026-10-25 03:00 -> 02:00
    assert times(
        attempt, "0 3 * * *", "--timezone", "Europe/Prague", "--from", "2026-03-28T00:00:00+01:00", "-n", "3"
    ) == ["2026-03-28T03:00:00+01:00", "2026-03-29T03:00:00+02:00", "2026-03-30T03:00:00+02:00"]
    assert times(
        attempt, "30 1 * * *", "--timezone", "Europe/Prague", "--from", "2026-10-24T12:00:00+02:00", "-n", "2"
    ) == ["2026-10-25T01:30:00+02:00", "2026-10-26T01:30:00+01:00"]


def test_cron_counts_from_after_the_given_time(attempt):
    assert times(attempt, "0 12 * * *", "--timezone", "UTC", "--from", "2026-01-01T12:00:00Z", "-n", "1") == [
        "2026-01-02T12:00:00+00:00"
    ]
    assert times(attempt, "0 12 * * *", "--timezone", "UTC", "--from", "2026-01-01T11:59:59Z", "-n", "1") == [
        "2026-01-01T12:00:00+00:00"
    ]
    # The moment counts, not how it is written.
    assert times(
        attempt, "0 12 * * *", "--timezone", "Asia/Kolkata", "--from", "2026-01-01T06:29:59Z", "-n", "1"
    ) == ["2026-01-01T12:00:00+05:30"]


def test_cron_days_and_steps(attempt):
    utc = ("--timezone", "UTC", "--from", "2026-01-01T00:00:00Z")
    assert times(attempt, "*/20 22-23 * * 1-5", *utc, "-n", "6") == [
        f"2026-01-01T{clock}:00+00:00" for clock in ("22:00", "22:20", "22:40", "23:00", "23:20", "23:40")
    ]
    assert times(attempt, "0 0 29 2 *", *utc, "-n", "2") == [
        "2028-02-29T00:00:00+00:00",
        "2032-02-29T00:00:00+00:00",
    ]
    # Where both days are given, either is enough.
    assert times(attempt, "0 0 10 * MON", *utc, "-n", "3") == [
        "2026-01-05T00:00:00+00:00",
        "2026-01-10T00:00:00+00:00",
        "2026-01-12T00:00:00+00:00",
    ]
    assert len(times(attempt, "* * * * *", *utc)) == 5
    assert len(times(attempt, "* * * * *", *utc, "-n", "2000")) == 2000


@pytest.mark.parametrize(
    "arguments, says",
    [
        (("0 3 * *",), "five fields"),
        (("61 3 * * *",), "61"),
        (("0 3 * * FRIDAYS",), "FRIDAYS"),
        (("0 0 30 2 *",), "no month"),
        (("0 3 * * *", "--timezone", "UTC", "--from", "yesterday"), "yesterday"),
        (("0 3 * * *", "-n", "0"), "-n"),
        ((), "EXPR"),
    ],
)
def test_cron_errors(attempt, arguments, says):
    done = attempt("cron", *arguments)
    assert done.returncode == 2, done
    assert says in done.stderr
    assert done.stdout == ""


def test_an_unknown_time_zone_is_named(attempt):
    done = attempt("cron", "0 3 * * *", "--timezone", "Mars/Olympus")
    assert done.returncode in (1, 2), done
    assert "Mars/Olympus" in done.stderr
    assert done.stdout == ""


# robots.txt

ROBOTS = """\
User-agent: *
Disallow: /private/
Allow: /private/open

User-agent: catwalk
Disallow: /search?
Disallow: /*.pdf$
"""


@pytest.mark.parametrize(
    "agent, url, allowed, rule",
    [
        ("other", "https://shop.example/private/a", False, "/private/"),
        ("other", "/private/open/1", True, "/private/open"),
        ("other", "/", True, None),
        ("catwalk", "/private/a", True, None),
        ("Catwalk", "https://shop.example/search?q=1", False, "/search?"),
        ("catwalk", "https://shop.example/search", True, None),
        ("catwalk", "/a/b.pdf", False, "/*.pdf$"),
        ("catwalk", "/a/b.pdf?x", True, None),
    ],
)
def test_robots(attempt, workdir, agent, url, allowed, rule):
    (workdir / "robots.txt").write_text(ROBOTS)
    done = attempt("robots", "robots.txt", "--agent", agent, "--url", url)
    assert done.returncode == 0, done
    answer = json.loads(done.stdout)
    assert set(answer) == {"allowed", "rule"}
    assert answer["allowed"] is allowed
    assert answer["rule"] is None if rule is None else answer["rule"].endswith(rule)


def test_robots_from_stdin(attempt):
    done = attempt("robots", "--agent", "other", "--url", "/private/", stdin=ROBOTS)
    assert json.loads(done.stdout)["allowed"] is False
    done = attempt("robots", "-", "--agent", "catwalk", "--url", "/a", stdin="")
    assert json.loads(done.stdout) == {"allowed": True, "rule": None}


def test_robots_needs_agent_and_url(attempt):
    for arguments, missing in ((("--url", "/"), "--agent"), (("--agent", "a"), "--url")):
        done = attempt("robots", *arguments, stdin=ROBOTS)
        assert done.returncode == 2, done
        assert missing in done.stderr


# Normalising


def item(**changes):
    return {
        "external_id": 4711,
        "title": "  Linen shirt ",
        "price": 4995,
        "currency": "USD",
        "gender": "WOMAN",
        "category": "shirt",
        "image_url": "https://img.example/a.jpg?w={width}",
        "seo_keyword": "linen-shirt",
        "seo_product_id": 99,
        "brand": "Nord",
        "availability": "in_stock",
        "site": {
            "brand": "Nord",
            "merchant": "Nord",
            "source": "nord",
            "country": "us",
            "price_unit": "minor",
            "product_url_template": "https://nord.example/p/{keyword}-{id}.html",
            "endpoint": "https://nord.example/api",
        },
        **changes,
    }


def test_normalise_prints_the_row(attempt, workdir):
    (workdir / "item.json").write_text(json.dumps(item()))
    done = attempt("normalise", "item.json")
    assert done.returncode == 0, done
    row = json.loads(done.stdout)
    expected = {
        "title": "Linen shirt",
        "price": "49.95USD",
        "currency": "USD",
        "gender": "women",
        "category": "shirt",
        "brand": "Nord",
        "source": "nord",
        "country": "us",
        "availability": "in_stock",
        "image_url": "https://img.example/a.jpg?w=800",
        "product_url": "https://nord.example/p/linen-shirt-99.html",
        "second_hand": False,
    }
    assert {name: row[name] for name in expected} == expected
    assert len(row["id"]) == 64
    assert attempt("normalise", stdin=json.dumps(item())).stdout == done.stdout


def test_normalise_in_the_older_layouts(attempt):
    given = item()
    newer = json.loads(attempt("normalise", "--layout", "2026-02", stdin=json.dumps(given)).stdout)
    assert newer["price"] == "49.95USD"
    assert "currency" not in newer
    older = json.loads(attempt("normalise", "--layout", "2025-10", stdin=json.dumps(given)).stdout)
    assert older["external_id"] == "4711"
    assert float(older["price"]) == 49.95
    assert older["currency"] == "USD"
    assert older["merchant_name"] == "Nord"
    site = given.pop("site")
    assert older["metadata"]["_raw_item"] == given, "the item as it was given"
    assert older["metadata"]["endpoint"] == site["endpoint"]
    assert older["metadata"]["original_price"] == 4995


def test_the_price_follows_the_site(attempt):
    def price(unit, given):
        site = {**item()["site"], "price_unit": unit}
        return json.loads(attempt("normalise", stdin=json.dumps(item(price=given, site=site))).stdout)[
            "price"
        ]

    assert price("minor", 4995) == "49.95USD"
    assert price("major", 4995) == "4995USD"
    assert price("major", "1,299.00") == "1299.00USD"


def test_an_item_that_is_no_product_says_why(attempt):
    for missing, reason in (("external_id", "id"), ("image_url", "image"), ("price", "price")):
        given = item()
        del given[missing]
        done = attempt("normalise", stdin=json.dumps(given))
        assert done.returncode == 1, done
        answer = json.loads(done.stdout)
        assert reason in answer["skipped"]


@pytest.mark.parametrize("text", ["[1]", "7", "{", ""])
def test_normalise_needs_an_object(attempt, text):
    done = attempt("normalise", stdin=text)
    assert done.returncode == 1, done
    assert done.stdout == ""
    assert "JSON" in done.stderr


@pytest.mark.parametrize("site", [7, {"brand": 7}, {"second_hand": "yes"}, {"category_names": "x"}])
def test_wrong_site_settings_do_not_crash(attempt, site):
    done = attempt("normalise", stdin=json.dumps(item(site=site)))
    assert done.returncode in (1, 2), done
    assert "site" in done.stderr


# CSS selectors

PAGE = """<!doctype html><ul class=grid><li id=a><a href=/1>One</a><img src=1.jpg data-src=1-large.jpg>
<li id=b class=sale><a href=/2>Two</a><li id=c><b>Three</b></ul>"""


@pytest.mark.parametrize(
    "arguments, found",
    [
        (["li > b"], ["<b>Three</b>"]),
        (["li:not(.sale):has(a) > a"], ['<a href="/1">One</a>']),
        (["li", "--attr", "id"], ["a", "b", "c"]),
        (["li:nth-child(2 of :has(a)), b", "--attr", "id"], ["b"]),
        (["a@href"], ["/1", "/2"]),
        (["img@data-large, img@data-src, img@src"], ["1-large.jpg"]),
        (["li:-soup-contains(Two)", "--attr", "class"], ["sale"]),
        (["table"], []),
    ],
)
def test_select_prints_what_it_finds(attempt, workdir, arguments, found):
    (workdir / "page.html").write_text(PAGE)
    from_file = attempt("select", arguments[0], "page.html", *arguments[1:])
    assert from_file.returncode == 0, from_file
    assert json.loads(from_file.stdout) == found
    assert attempt("select", *arguments, stdin=PAGE).stdout == from_file.stdout


def test_select_reads_any_encoding(attempt, workdir):
    page = '<meta charset="iso-8859-2"><p>Žluťoučký kůň</p>'.encode("iso-8859-2")
    (workdir / "page.html").write_bytes(page)
    assert json.loads(attempt("select", "p", "page.html").stdout) == ["<p>Žluťoučký kůň</p>"]


def test_a_selector_that_does_not_parse_is_shown_with_a_caret(attempt):
    done = attempt("select", "div > :nope", stdin=PAGE)
    assert done.returncode == 1
    assert json.loads(done.stdout) == {"error": "syntax", "message": 'unknown pseudo-class ":nope"'}
    assert done.stderr.splitlines()[:2] == ["div > :nope", "      ^"]


def test_select_tells_what_never_matches(attempt):
    done = attempt("select", "a:hover", stdin=PAGE)
    assert (done.returncode, json.loads(done.stdout)) == (0, [])
    assert "`:hover` never matches" in done.stderr


def test_a_page_without_bottom_is_refused_by_name(attempt):
    done = attempt("select", "b", stdin="<div>" * 100_000)
    assert done.returncode == 1, done
    assert "512 open elements" in done.stderr


def test_an_unknown_part_is_wrong_usage(attempt):
    assert attempt("sorcery").returncode == 2
    assert attempt().returncode == 2
