"""`catwalk sink sql | migrate | status`: on an empty database and on tables that exist, twice, and refused."""

import json
import urllib.error
import urllib.request

import psycopg
import pytest

from tests.integration.test_shopify import sites
from tests.support.shopify_shop import ShopifyShop
from tests.support.supabase.tables import WIDTHS

CATALOGUE = """
select 'column', table_name || '.' || column_name, data_type from information_schema.columns
  where table_schema = 'public'
union all select 'index', indexname, indexdef from pg_indexes where schemaname = 'public'
union all select 'function', p.oid::text, md5(prosrc) from pg_proc p where pronamespace = 'public'::regnamespace
  and (proname like 'catwalk%%' or proname = 'match_products')
union all select 'trigger', t.tgname, t.oid::text from pg_trigger t where not tgisinternal
union all select 'policy', policyname, tablename from pg_policies
union all select 'relation', oid::text, xmin::text from pg_class where relnamespace = 'public'::regnamespace
order by 1, 2, 3"""


@pytest.fixture
def migrate(catwalk, configure, supabase):
    configure(None, supabase, sites="[]", embed={"model": "auto"})

    def run(*arguments):
        return catwalk(
            "sink", "migrate", *arguments, env={"SUPABASE_DB_URL": supabase.dsn}
        )

    return run


def insert(supabase, layout, count=3):
    for number in range(count):
        if layout == "2025-10":
            supabase.sql(
                "insert into products (source, external_id, title, product_url, image_url) "
                "values ('s', %s, 't', %s, 'i')",
                (str(number), f"u{number}"),
            )
        else:
            supabase.sql(
                "insert into products (id, source, title, product_url, image_url) values (%s, 's', 't', %s, 'i')",
                (str(number), f"u{number}"),
            )


@pytest.mark.parametrize("layout", [None, "2025-10", "2026-02", "catwalk"])
def test_it_runs_twice_and_changes_nothing_the_second_time(
    catwalk, migrate, supabase, layout
):
    supabase.control("reset")
    if layout:
        supabase.create_table(layout)
        insert(supabase, layout)
    rows = supabase.rows() if layout else []
    assert (first := migrate("--prices", "--events")).code == 0, first
    before = supabase.sql(CATALOGUE)
    assert (second := migrate("--prices", "--events")).code == 0, second
    assert supabase.sql(CATALOGUE) == before
    now = supabase.rows()
    assert [
        {name: row[name] for name in old} for old, row in zip(rows, now, strict=True)
    ] == rows
    state = catwalk("sink", "status", "--json")
    assert state.code == 0, state
    assert state.json["vector_width"] == WIDTHS.get(layout, 512)
    assert state.json["role"] == "service_role"
    assert state.json["migrated"] is True


def test_what_is_printed_is_what_is_applied(catwalk, configure, supabase):
    configure(None, supabase, sites="[]")
    supabase.control("reset")
    printed = catwalk("sink", "sql", "--width", "384", "--half")
    assert printed.code == 0, printed
    with psycopg.connect(supabase.dsn, autocommit=True) as connection:
        connection.execute(printed.out)
    (definition,) = supabase.sql(
        "select indexdef from pg_indexes where indexdef like '%hnsw%'"
    )[0]
    assert "halfvec_cosine_ops" in definition
    assert "notify pgrst, 'reload schema'" in printed.out
    assert catwalk("sink", "status", "--json").json["vector_width"] == 384


def test_another_width_is_refused_with_the_way_out(migrate, supabase):
    supabase.create_table("2026-02")
    refused = migrate("--width", "512")
    assert refused.code == 1, refused
    assert "vector(768)" in refused.err and "512" in refused.err
    assert "alter column image_embedding type vector(512)" in refused.err
    assert "backfill --all" in refused.err
    supabase.sql(
        "alter table products alter column image_embedding type vector(512) using null"
    )
    assert migrate("--width", "512").code == 0


def test_search_and_vectors_by_function(migrate, supabase):
    assert migrate("--prices").code == 0
    insert(supabase, "catwalk")
    ones = [1.0] + [0.0] * 511
    service = {"apikey": supabase.key}
    status, answer = post(
        supabase,
        "rpc/catwalk_set_vectors",
        {"rows": [{"id": "1", "vector": str(ones), "model": "m"}]},
        service,
    )
    assert (status, answer) == (200, 1)
    query = {
        "query_embedding": ones,
        "match_threshold": 0.5,
        "match_count": 5,
        "filters": {"source": "s"},
    }
    status, found = post(supabase, "rpc/match_products", query, service)
    assert status == 200 and [row["id"] for row in found] == ["1"]
    query["filters"] = {"source": "another"}
    assert post(supabase, "rpc/match_products", query, service) == (200, [])
    # The app searches with its public key; it sets nothing.
    public = {"apikey": supabase.keys["publishable"]}
    assert post(supabase, "rpc/match_products", query, public)[0] == 200
    assert post(supabase, "rpc/catwalk_set_vectors", {"rows": []}, public)[0] in (
        401,
        403,
        404,
    )


def test_search_between_two_prices(migrate, supabase):
    assert migrate("--prices").code == 0
    insert(supabase, "catwalk", 4)
    ones = [1.0] + [0.0] * 511
    supabase.sql("update products set image_embedding = %s", (str(ones),))
    # The fourth has no price that could be compared.
    for number, amount in enumerate(("10", "20.50", "30")):
        supabase.sql("update products set price_amount = %s where id = %s", (amount, str(number)))

    def found(**filters):
        query = {"query_embedding": ones, "match_count": 10, "filters": filters}
        status, rows = post(supabase, "rpc/match_products", query, {"apikey": supabase.key})
        assert status == 200, rows
        return {row["id"] for row in rows}

    assert found() == {"0", "1", "2", "3"}
    assert found(min_price=20.5) == {"1", "2"}
    assert found(max_price=20.5) == {"0", "1"}
    assert found(min_price=10.01, max_price=29.99) == {"1"}
    assert found(min_price=31) == set()
    assert found(min_price="10.01", source="s") == {"1", "2"}
    # What it costs now is what counts.
    supabase.sql("update products set sale_amount = 5 where id = '2'")
    assert found(max_price=10) == {"0", "2"}
    assert found(min_price=20) == {"1"}


def test_prices_as_numbers_are_filled(catwalk, configure, migrate, supabase):
    supabase.control("reset")
    assert migrate("--prices").code == 0
    supabase.control("reload_schema")
    with ShopifyShop(6) as shop:
        configure(None, supabase, sites=sites(shop, currency="CZK"))
        done = catwalk("scrape", "--allow-untrained")
        assert done.code == 0, done
    rows = supabase.sql(
        "select title, price_amount, price_currency, sale_amount, price, sale from products order by title"
    )
    assert len(rows) == 6
    for number, row in enumerate(rows, 1):
        now, before = 20 + number, 40 + number
        reduced = number % 3 == 0
        assert row[:4] == (f"Coat {number}", before if reduced else now, "CZK", now if reduced else None)
        assert row[4].startswith(str(before if reduced else now)) and bool(row[5]) == reduced


def test_the_public_key_writes_nothing(migrate, supabase):
    """Supabase grants every table to all of its roles: what holds them off is row security."""
    supabase.control("reset")
    assert migrate("--prices", "--events").code == 0
    supabase.control("reload_schema")
    insert(supabase, "catwalk")
    before, events = supabase.rows(), supabase.rows("product_events")
    assert len(before) == 3 and len(events) == 3
    signed_in = supabase.control("token", role="authenticated", exp=4_000_000_000)["token"]
    for headers in (
        {"apikey": supabase.keys["publishable"]},
        {"apikey": supabase.keys["publishable"], "Authorization": f"Bearer {signed_in}"},
    ):
        assert post(supabase, "products?select=id", None, headers, "GET")[1] is not None
        row = {"id": "9", "source": "s", "title": "t", "image_url": "i", "product_url": "u9"}
        assert post(supabase, "products", row, headers)[0] in (401, 403)
        merge = {**headers, "Prefer": "resolution=merge-duplicates"}
        assert post(supabase, "products?on_conflict=id", {**row, "id": "1"}, merge)[0] in (401, 403)
        post(supabase, "products?id=eq.1", {"title": "theirs"}, headers, "PATCH")
        post(supabase, "products?id=eq.1", None, headers, "DELETE")
        assert post(supabase, "product_events", {"product_id": "1", "event": "new"}, headers)[0] >= 400
        post(supabase, "product_events?id=gt.0", None, headers, "DELETE")
        assert supabase.rows() == before
        assert supabase.rows("product_events") == events


def test_half_vectors_are_offered_where_they_make_it_fit(catwalk, migrate, supabase):
    """Vectors of 16,000 numbers, so that few rows fill a free project."""
    supabase.create_table("catwalk", width=16_000)
    assert migrate().code == 0

    def size(rows, bytes_a_number):
        vector = 16_000 * bytes_a_number + 8
        return rows * (1_800 + vector + (vector + 300) * 4 // 3) // 1_000_000

    def size_line():
        supabase.sql("analyze products")
        state = catwalk("sink", "status")
        return state.out.partition("  size ")[2].partition("  warning")[0]

    supabase.sql(
        "insert into products (id, source, title, product_url, image_url) "
        "select n::text, 's', 't', 'u' || n, 'i' from generate_series(1, 3400) n"
    )
    said = size_line()
    assert f"3400 rows take about {size(3400, 4)} MB" in said and "holds 500" in said
    assert f"with halfvec about {size(3400, 2)} MB: `catwalk sink sql --half`" in said
    supabase.sql("delete from products where id::int > 3200")
    said = size_line()
    assert f"3200 rows take about {size(3200, 4)} MB" in said
    assert "halfvec" not in said, "it fits as it is"
    supabase.sql(
        "drop function match_products; alter table products drop column info_embedding, "
        "alter column image_embedding type halfvec(16000) using null; "
        "insert into products (id, source, title, product_url, image_url) "
        "select n::text, 's', 't', 'u' || n, 'i' from generate_series(3201, 9000) n"
    )
    supabase.control("reload_schema")
    said = size_line()
    assert f"9000 rows take about {size(9000, 2)} MB" in said
    assert "with halfvec" not in said, "they are half already"


def test_events_are_kept_for_the_app(migrate, supabase):
    assert migrate("--events").code == 0
    insert(supabase, "catwalk", 1)
    for change in (
        "price = '20USD', availability = 'out_of_stock'",
        "price = '15USD'",
        "price = '18USD'",
        "availability = 'in_stock'",
    ):
        supabase.sql(f"update products set {change}")
    supabase.sql("delete from products")
    events = supabase.sql(
        "select event, details->>'to' from product_events order by id"
    )
    assert events == [
        ("new", None),
        ("price_drop", "15"),
        ("back_in_stock", None),
        ("gone", None),
    ]


def test_someone_elses_search_function_stays(migrate, supabase):
    supabase.sql(
        "create function match_products(query_embedding vector, match_count int) returns setof products "
        "language sql as 'select * from products limit match_count'"
    )
    assert migrate().code == 0
    assert supabase.sql(
        "select count(*) from pg_proc where proname = 'match_products'"
    ) == [(1,)]


def test_status_says_what_is_wrong_and_gives_the_sql(catwalk, migrate, supabase):
    assert migrate().code == 0
    supabase.sql("alter table products add column shelf text not null")
    supabase.sql("alter table products drop constraint products_pkey")
    supabase.sql(
        "create function call_out() returns trigger language plpgsql as "
        "$$ begin perform net.http_post('https://elsewhere'); return new; end $$"
    )
    supabase.sql(
        "create trigger tell after insert on products for each row execute function call_out()"
    )
    supabase.control("reload_schema")
    state = catwalk("sink", "status")
    assert state.code == 3, state
    for words in (
        "shelf must not be null",
        "no unique key on (id)",
        "trigger tell calls out",
        "free project",
    ):
        assert words in state.out, words
    supabase.sql(catwalk("sink", "status", "--json").json["sql"])
    assert catwalk("sink", "status").code == 0


def test_a_key_that_sees_nothing_is_named(catwalk, configure, supabase, workdir):
    configure(None, supabase, sites="[]")
    insert(supabase, "catwalk")
    (workdir / "key").write_text(supabase.keys["publishable"])
    state = catwalk("sink", "status")
    assert "anon sees no row" in state.out, state


def test_the_connection_string_is_in_no_output(catwalk, configure, supabase):
    configure(None, supabase, sites="[]")
    url = "postgres://someone:canary-5e3@127.0.0.1:1/nowhere"
    refused = catwalk("sink", "migrate", env={"SUPABASE_DB_URL": url})
    assert refused.code == 1, refused
    assert "canary-5e3" not in refused.out + refused.err
    assert "127.0.0.1:1" in refused.err


def post(supabase, path, body, headers, method="POST"):
    request = urllib.request.Request(
        f"{supabase.url}/rest/v1/{path}",
        json.dumps(body).encode(),
        {"Content-Type": "application/json", **headers},
        method=method,
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.loads(answer.read() or "null")
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
