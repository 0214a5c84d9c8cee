"""`catwalk sink sql | migrate | status`: on an empty database and on tables that exist, twice, and refused."""

import psycopg
import pytest

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


def post(supabase, path, body, headers):
    import json
    import urllib.error
    import urllib.request

    request = urllib.request.Request(
        f"{supabase.url}/rest/v1/{path}",
        json.dumps(body).encode(),
        {"Content-Type": "application/json", **headers},
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
