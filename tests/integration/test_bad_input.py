"""What a user gets wrong and what shops send: every error names what, where, why and what to do."""

import re
import subprocess

import pytest
import yaml

from tests.integration.expectation import check_rows
from tests.integration.site_files import site_text
from tests.support.catwalk_binary import free_port

SCRAPE = ("scrape", "Zara", "--limit", "20", "--allow-untrained")


def test_unknown_key_has_a_place_and_a_suggestion(catwalk, configure, shop, workdir):
    configure(shop, fetch={"pages": {"concurency": 3}})
    lines = (workdir / "catwalk.yaml").read_text().splitlines()
    line = next(number for number, text in enumerate(lines, 1) if "concurency" in text)
    column = lines[line - 1].index("concurency") + 1
    for command in (("scrape", "Zara"), ("check",), ("run",)):
        done = catwalk(*command, timeout=20)
        assert done.code == 2, done
        text = done.out + done.err
        assert f"catwalk.yaml:{line}:{column}" in text
        assert "concurency" in text
        assert "'concurrency'" in text or "concurrency" in text.replace("concurency", "")
    assert shop.requests() == []


@pytest.mark.parametrize(
    "line, says",
    [
        ("scarpe", "unknown command 'scarpe'; did you mean 'scrape'? See 'catwalk --help'"),
        ("model improt x", "unknown command 'improt' of 'catwalk model'; did you mean 'import'?"),
        ("scrape --dryrun", "unknown option '--dryrun' of 'catwalk scrape'; did you mean '--dry-run'?"),
        ("backfill --rate 0", "--rate: expected a number above 0, found '0'. See 'catwalk backfill --help'"),
        ("backfill --missing --all", "only one of --missing, --stale and --all can be given."),
        ("embed --format xml", "--format: expected jsonl or npy, found 'xml'."),
        ("failed list -n 0", "--limit: expected a whole number from 1 to 100000, found '0'."),
        ("scrape --limit", "--limit needs a value: N (At most so many products of each site)."),
        ("probe", "URL is missing (A shop, a category, a feed, or JSON that its pages load)."),
    ],
)
def test_a_wrong_command_line_is_told_in_one_line(catwalk, line, says):
    done = catwalk(*line.split(), timeout=20)
    assert done.code == 2, done
    assert done.out == ""
    assert done.err.startswith("catwalk: " + says), done.err
    assert done.err.count("\n") == 1


def test_help_says_what_a_command_talks_to_in_words_that_need_no_explaining(catwalk):
    manual = catwalk("completion", "man").out
    assert "while the daemon runs" in manual
    for jargon in (r"sockets?", r"locks?", "state database", "the state beside"):
        assert not re.search(rf"\b{jargon}\b", manual), jargon


def test_unknown_key_of_a_site(catwalk, configure, shop):
    sites = site_text(shop).replace("items_path:", "item_path:")
    configure(shop, sites=sites)
    line = next(number for number, text in enumerate(sites.splitlines(), 1) if "item_path:" in text)
    done = catwalk("check", timeout=20)
    assert done.code == 2, done
    assert f"sites.yaml:{line}:" in done.out + done.err
    assert "items_path" in done.out + done.err


def test_bad_expression_has_its_place(catwalk, configure, shop):
    sites = site_text(shop).replace('title: "name"', 'title: "name["')
    configure(shop, sites=sites)
    line = next(number for number, text in enumerate(sites.splitlines(), 1) if '"name["' in text)
    done = catwalk("check", timeout=20)
    assert done.code == 2, done
    assert f"sites.yaml:{line}:" in done.out + done.err


@pytest.mark.parametrize(
    "text, says",
    [
        ("fetch: {pages: {delay: soon}}\n", "delay"),
        ("http: [1\n", "catwalk.yaml:"),
        ("embed: {batch: many}\n", "batch"),
        ("log: {level: info}\nlog: {level: debug}\n", "log"),
        ("sink: {kind: supabase}\n", "url"),
        ("sink: {kind: mongodb}\n", "mongodb"),
    ],
)
def test_wrong_values(catwalk, workdir, text, says):
    (workdir / "catwalk.yaml").write_text(text)
    (workdir / "sites.yaml").write_text("[]\n")
    done = catwalk("check", timeout=20)
    if done.code == 0:  # what only a run needs is said by the run
        done = catwalk("scrape", timeout=20)
    assert done.code == 2, done
    assert says in done.out + done.err


def test_good_configuration_is_said_to_be_good(catwalk, configure, shop):
    configure(shop)
    done = catwalk("check", timeout=20)
    assert done.code == 0, done


def test_a_file_where_sites_are_named(catwalk, configure, shop):
    configure(shop)
    done = catwalk("scrape", "--sites", "sites.yaml")
    assert done.code == 2, done
    assert "sites are named here, a file of them is named with --config" in done.err


def test_unreachable_shop(catwalk, configure, shop):
    address = f"http://127.0.0.1:{free_port()}"
    configure(shop, sites=site_text(shop).replace(shop.url, address))
    done = catwalk("scrape", "Zara", "--limit", "5")
    assert done.code in (1, 3), done
    text = done.out + done.err
    assert address.removeprefix("http://").split(":")[1] in text
    assert "refused" in text.lower() or "connect" in text.lower()


def test_missing_model_names_the_command(catwalk, configure, shop, workdir):
    configure(shop, embed={"models_dir": str(workdir / "none"), "model": "auto"})
    for command in (("scrape", "Zara", "--limit", "5"), ("embed", "sites.yaml")):
        done = catwalk(*command)
        assert done.code == 1, done
        assert "catwalk model pull" in done.err


def test_a_damaged_model_is_not_used(catwalk, configure, shop, workdir, models_dir):
    copy = workdir / "models"
    subprocess.run(["cp", "-r", models_dir, copy], check=True)
    largest = max((path for path in copy.rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)
    with open(largest, "r+b") as file:
        file.truncate(largest.stat().st_size // 2)
    configure(shop, embed={"models_dir": str(copy)})
    done = catwalk("scrape", "Zara", "--limit", "5")
    assert done.code == 1, done
    assert str(largest.parent.name) in done.err or largest.name in done.err


PICTURE_FAULTS = {
    "truncated": {"kind": "truncate"},
    "empty": {"kind": "truncate", "bytes": 0},
    "a page instead": {"kind": "html"},
    "forbidden": {"kind": "status", "status": 403},
    "not found": {"kind": "status", "status": 404},
    "endless": {"kind": "huge", "bytes": 60_000_000},
    "not a picture": {"kind": "body", "body": b"GIF89a nonsense"},
}


@pytest.mark.parametrize("name", PICTURE_FAULTS)
def test_a_bad_picture_is_set_aside_and_the_rest_goes_on(catwalk, configure, supabase, shop, name):
    bad = shop.all_products[4]
    shop.fault(path=bad.picture_path(), **PICTURE_FAULTS[name])
    configure(shop, supabase)
    done = catwalk(*SCRAPE)
    assert done.code == 3, done
    rows = supabase.rows()
    without = [row for row in rows if row["image_embedding"] is None]
    assert [row["product_url"].rsplit("=", 1)[1] for row in without] == [str(bad.id)]
    check_rows(
        [row for row in rows if row["image_embedding"]],
        [p for p in shop.all_products[:20] if p is not bad],
        "catwalk",
        shop.url,
    )
    assert bad.picture_path() in done.out + done.err


def test_a_huge_picture_is_refused_before_it_is_decoded(catwalk, configure, supabase, shop):
    """A small file that would be 400 megapixels."""
    import io

    from PIL import Image

    bomb = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(bomb, "PNG")
    bad = shop.all_products[2]
    shop.fault("body", bad.picture_path(), body=bomb.getvalue())
    configure(shop, supabase)
    done = catwalk(*SCRAPE)
    assert done.code == 3, done
    assert len([row for row in supabase.rows() if row["image_embedding"]]) == 19
    assert "pixel" in done.out + done.err


def test_a_truncated_page_is_an_incomplete_listing(catwalk, configure, supabase, shop):
    shop.fault("truncate", "page=2")
    configure(shop, supabase)
    done = catwalk("scrape", "Zara", "--allow-untrained")
    assert done.code == 3, done
    assert len(supabase.rows()) == 25, "the first page counts"
    assert "page=2" in done.out + done.err
    shop.clear_faults()
    assert catwalk("scrape", "Zara", "--allow-untrained").code == 0
    check_rows(supabase.rows(), shop.all_products, "catwalk", shop.url)


def test_a_block_page_is_called_by_its_name(catwalk, configure, shop):
    shop.fault("status", "/category/", status=403)
    configure(shop)
    done = catwalk("scrape", "Zara", "--limit", "5")
    assert done.code in (1, 3), done
    assert "block" in (done.out + done.err).lower() or "403" in done.out + done.err


def test_a_reset_page_is_asked_for_again(catwalk, configure, supabase, shop):
    shop.fault("reset", "/category/", times=1)
    configure(shop, supabase)
    done = catwalk(*SCRAPE)
    assert done.code == 0, done
    assert len(supabase.rows()) == 20


def test_a_state_folder_that_cannot_be_written(catwalk, configure, shop, workdir):
    (workdir / "taken").write_text("a file")
    configure(shop, state={"dir": str(workdir / "taken" / "state")})
    done = catwalk("scrape", "Zara")
    assert done.code == 1, done
    assert "taken" in done.err


def test_a_damaged_state_is_named(catwalk, configure, shop, workdir):
    configure(shop)
    assert catwalk("scrape", "Zara", "--limit", "5").code == 0
    database = workdir / "state" / "catwalk.sqlite3"
    for extra in workdir.glob("state/catwalk.sqlite3-*"):
        extra.unlink()
    data = bytearray(database.read_bytes())
    data[:4096] = b"\0" * 4096
    database.write_bytes(data)
    done = catwalk("scrape", "Zara", "--limit", "5")
    assert done.code == 1, done
    assert "catwalk.sqlite3" in done.err


def test_a_page_without_products_is_an_incomplete_listing(catwalk, configure, shop):
    site = [
        {
            "brand": "Elsewhere",
            "merchant": "E",
            "source": "s",
            "country": "us",
            "html": {
                "category_urls": [shop.url + "/x"],
                "product_selector": "div",
                "product_selectors": {"title": "h2"},
            },
        }
    ]
    configure(shop, sites=yaml.safe_dump(site))
    done = catwalk("scrape", "Elsewhere")
    assert done.code == 3, done
    assert "the page gave no products" in done.out
    assert shop.url + "/x" in done.out
