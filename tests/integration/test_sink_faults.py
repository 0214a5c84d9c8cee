"""Supabase misbehaves: every row still lands, exactly, and errors say what to do."""

import pytest

from tests.integration.expectation import check_rows

SCRAPE = ("scrape", "Zara", "--limit", "20", "--allow-untrained")

FAULTS = {
    "half of all answers are 500": [
        ("respond", {"status": 500, "probability": 0.5, "seed": 7})
    ],
    "429 with Retry-After": [
        ("respond", {"status": 429, "headers": {"Retry-After": "1"}, "times": 3})
    ],
    "502 with HTML, after the commit": [
        (
            "respond",
            {
                "status": 502,
                "body": "<html>bad gateway</html>",
                "after": True,
                "times": 2,
            },
        )
    ],
    "503 without a body": [("respond", {"status": 503, "times": 2})],
    "a stall": [("stall", {"seconds": 3, "times": 2})],
    "committed, then no answer": [("drop", {"times": 2, "method": "POST"})],
    "reset before anything happened": [("reset", {"times": 2})],
    "reset within the answer, after the commit": [
        ("reset", {"times": 2, "bytes": 30, "after": True})
    ],
    "a truncated answer": [("truncate", {"times": 1, "method": "POST"})],
    "a trickling answer": [("slow", {"seconds": 2, "times": 2})],
    "serialization failure": [("sql_error", {"sqlstate": "40001", "times": 2})],
    "too many connections": [("sql_error", {"sqlstate": "53300", "times": 2})],
    "statement timeout": [("statement_timeout", {"times": 2, "method": "POST"})],
}


@pytest.mark.parametrize("name", FAULTS)
def test_every_row_lands(catwalk, configure, supabase, shop, name):
    configure(shop, supabase, sink={"batch": 6})
    for kind, settings in FAULTS[name]:
        supabase.fault(
            kind, path="/rest/v1/products" if kind != "reset" else None, **settings
        )
    done = catwalk(*SCRAPE)
    assert any(rule["applied"] for rule in supabase.control("faults")), (
        "the fault never happened"
    )
    assert done.code == 0, done
    check_rows(supabase.rows(), shop.all_products[:20], "catwalk", shop.url)


def test_retry_after_is_waited_for(catwalk, configure, supabase, shop):
    configure(shop, supabase)
    supabase.fault(
        "respond", method="POST", status=503, headers={"Retry-After": "3"}, times=1
    )
    assert catwalk(*SCRAPE).code == 0
    posts = supabase.requests("POST")
    refused = next(seen for seen in posts if seen["status"] == 503)
    following = [seen["at"] for seen in posts if seen["at"] > refused["at"]]
    assert min(following) - refused["at"] >= 2.9


def test_batches_shrink_until_they_fit_the_statement_timeout(
    catwalk, configure, supabase, shop
):
    supabase.control("slow_rows", seconds=0.1)
    supabase.control("settings", statement_timeout_ms=900)
    configure(shop, supabase, sink={"batch": 20})
    done = catwalk(*SCRAPE)
    assert done.code == 0, done
    assert any(seen["status"] == 500 for seen in supabase.requests("POST")), (
        "no batch was too slow"
    )
    check_rows(supabase.rows(), shop.all_products[:20], "catwalk", shop.url)


def test_a_wrong_key_parks_and_loses_nothing(
    catwalk, configure, supabase, shop, workdir
):
    configure(shop, supabase)
    (workdir / "key").write_text("sb_secret_of_another_project")
    refused = catwalk(*SCRAPE, "--wait", "20s")
    assert refused.code == 3, refused
    assert "Invalid API key" in refused.err
    assert "sb_secret_of_another_project" not in refused.out + refused.err
    assert refused.seconds < 60
    assert supabase.rows() == []
    (workdir / "key").write_text(supabase.key)
    shop.clear_log()
    done = catwalk(*SCRAPE)
    assert done.code == 0, done
    check_rows(supabase.rows(), shop.all_products[:20], "catwalk", shop.url)
    assert shop.requests("image") == [], (
        "vectors that were made already were made again"
    )


def test_a_key_that_is_rotated_in_the_middle(
    catwalk, configure, supabase, shop, workdir
):
    configure(shop, supabase, sink={"batch": 4})
    assert catwalk("scrape", "Zara", "--limit", "5", "--allow-untrained").code == 0
    supabase.rotate_keys()
    parked = catwalk(*SCRAPE, "--wait", "15s")
    assert parked.code == 3, parked
    assert len(supabase.rows()) == 5
    (workdir / "key").write_text(supabase.key)
    assert catwalk(*SCRAPE).code == 0
    check_rows(supabase.rows(), shop.all_products[:20], "catwalk", shop.url)


def test_a_column_that_vanishes_is_named(catwalk, configure, supabase, shop):
    """The table loses a column after catwalk has learned its columns: PGRST204."""
    configure(shop, supabase)
    supabase.fault(
        "respond",
        method="POST",
        status=400,
        headers={"Content-Type": "application/json"},
        body='{"code":"PGRST204","message":"Could not find the \'brand\' column of \'products\' in the '
        'schema cache","details":null,"hint":null}',
    )
    parked = catwalk(*SCRAPE, "--wait", "15s")
    assert parked.code == 3, parked
    assert "'brand' column" in parked.err
    supabase.clear_faults()
    assert catwalk(*SCRAPE).code == 0
    check_rows(supabase.rows(), shop.all_products[:20], "catwalk", shop.url)


def test_a_table_without_a_column_is_named(catwalk, configure, supabase, shop):
    """What the table lacks is left out, and said; what the configuration asks for by name must be there."""
    supabase.control("sql", sql="alter table products drop column brand")
    configure(shop, supabase, sink={"columns": {"title": "headline"}})
    refused = catwalk(*SCRAPE, "--wait", "15s")
    assert refused.code != 0, refused
    assert "headline" in refused.err
    assert supabase.rows() == []
    configure(shop, supabase)
    done = catwalk(*SCRAPE)
    assert done.code == 0, done
    assert any("brand" in line and "warn" in line for line in done.err.splitlines()), (
        done.err
    )
    supabase.control(
        "sql", sql="alter table products add column brand text default 'Zara'"
    )
    check_rows(supabase.rows(), shop.all_products[:20], "catwalk", shop.url)


def test_a_table_that_is_missing_is_explained(catwalk, configure, supabase, shop):
    supabase.control("sql", sql="drop table products")
    configure(shop, supabase)
    done = catwalk(*SCRAPE, "--wait", "10s")
    assert done.code in (1, 3), done
    assert "products" in done.err
    supabase.create_table("catwalk")
    assert catwalk(*SCRAPE).code == 0
    assert len(supabase.rows()) == 20


def test_vectors_of_another_width_are_refused_before_anything_is_sent(
    catwalk, configure, supabase, shop
):
    supabase.create_table("catwalk", width=768)
    configure(shop, supabase)
    done = catwalk(*SCRAPE)
    assert done.code != 0, done
    assert "768" in done.err and "512" in done.err
    assert supabase.requests("POST") == []


def test_one_bad_row_is_found_and_the_others_land(catwalk, configure, supabase, shop):
    bad = shop.all_products[7]
    supabase.control(
        "sql",
        sql=f"""
        create function public.refuse() returns trigger language plpgsql as $$
        begin
          if new.product_url like '%={bad.id}' then raise exception 'the app does not want this one'; end if;
        return new; end $$;
        create trigger refuse before insert or update on products for each row execute function refuse();""",
    )
    configure(shop, supabase)
    done = catwalk(*SCRAPE)
    assert done.code == 3, done
    assert "the app does not want this one" in done.out + done.err
    check_rows(
        supabase.rows(),
        [p for p in shop.all_products[:20] if p is not bad],
        "catwalk",
        shop.url,
    )


def test_vectors_are_never_overwritten_with_null(catwalk, configure, supabase, shop):
    configure(shop, supabase)
    assert catwalk(*SCRAPE).code == 0
    before = {row["id"]: row["image_embedding"] for row in supabase.rows()}
    for product in shop.all_products[:10]:
        product.price += 1000
    assert catwalk(*SCRAPE).code == 0
    rows = supabase.rows()
    check_rows(rows, shop.all_products[:20], "catwalk", shop.url)
    assert {row["id"]: row["image_embedding"] for row in rows} == before
    # What did not change is not sent: an update of fields carries no vector.
    updates = [
        seen for seen in supabase.requests("POST") if seen["body_bytes"] < 20_000
    ]
    assert updates


def test_a_sink_that_is_away_for_a_while(catwalk, configure, supabase, shop):
    """Rows wait in the outbox; a later run without anything new sends them."""
    settings = configure(shop, supabase, sink={"url": "http://127.0.0.1:1"})
    away = catwalk(*SCRAPE, "--wait", "5s")
    assert away.code == 3, away
    assert "127.0.0.1:1" in away.err
    settings["sink"]["url"] = supabase.url
    configure(shop, supabase)
    done = catwalk(*SCRAPE)
    assert done.code == 0, done
    check_rows(supabase.rows(), shop.all_products[:20], "catwalk", shop.url)


@pytest.fixture
def limited_role(supabase):
    """Who writes rows of its own tenant's alone, as a header of the request says; the token of that role."""
    supabase.control(
        "sql",
        sql="""
        create role catalogue_writer nologin noinherit;
        grant catalogue_writer to authenticator;
        grant usage on schema public to catalogue_writer;
        grant select, insert, update, delete on products to catalogue_writer;
        create policy tenant on products to catalogue_writer
          using (current_setting('request.headers', true)::json ->> 'x-tenant' = 'shop-7')
          with check (current_setting('request.headers', true)::json ->> 'x-tenant' = 'shop-7');""",
    )
    yield supabase.control("token", role="catalogue_writer", exp=4_000_000_000)["token"]
    supabase.control("sql", sql="drop owned by catalogue_writer; drop role catalogue_writer")


def test_a_limited_role_writes_under_row_security(
    catwalk, configure, supabase, shop, workdir, limited_role
):
    headers = {"Authorization": f"Bearer {limited_role}"}
    configure(shop, supabase, sink={"headers": headers})
    (workdir / "key").write_text(supabase.keys["publishable"])
    parked = catwalk(*SCRAPE, "--wait", "5s")
    assert parked.code == 3, parked
    assert "row-level security" in parked.err
    assert supabase.rows() == []
    assert catwalk("failed", "list", "--json").json == []
    configure(shop, supabase, sink={"headers": {**headers, "X-Tenant": "shop-7"}})
    (workdir / "key").write_text(supabase.keys["publishable"])
    done = catwalk(*SCRAPE)
    assert done.code == 0, done
    check_rows(supabase.rows(), shop.all_products[:20], "catwalk", shop.url)
    for product in shop.all_products[:20]:
        product.price += 100
    assert catwalk(*SCRAPE).code == 0
    check_rows(supabase.rows(), shop.all_products[:20], "catwalk", shop.url)
    written = [seen for seen in supabase.requests("POST") if seen["status"] in (200, 201)]
    assert written and all(seen["headers"]["x-tenant"] == "shop-7" for seen in written)
