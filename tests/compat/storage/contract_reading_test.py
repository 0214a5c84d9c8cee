"""The contract server against PostgREST's rules for reading, changing, deleting and functions, and for errors."""

import json
import time

import pytest

from tests.compat.storage.plain_http import ZEROS, row


@pytest.fixture
def fifteen(call):
    assert (
        call(
            "POST",
            "products",
            [row(n, price=None if n % 2 else f"{n}USD", metadata='{"country": "w"}') for n in range(10, 25)],
        ).status
        == 201
    )


@pytest.mark.usefixtures("fifteen")
class TestReading:
    @pytest.mark.parametrize(
        "filters, expected",
        [
            ("id=eq.p12", ["p12"]),
            ("id=neq.p12&id=lt.p14", ["p10", "p11", "p13"]),
            ("id=gt.p22", ["p23", "p24"]),
            ("id=gte.p23&id=lte.p23", ["p23"]),
            ("title=like.*2*&id=lt.p13", ["p12"]),
            ("title=ilike.TITLE%2011", ["p11"]),
            ("price=is.null&id=lt.p13", ["p11"]),
            ("price=not.is.null&id=lt.p13", ["p10", "p12"]),
            ("id=in.(p10,p24,none)", ["p10", "p24"]),
            ('id=in.("p10","p2,4")', ["p10"]),
            ("id=in.()", []),
            ("id=not.in.(p10,p11)&id=lt.p13", ["p12"]),
            ("or=(id.eq.p10,and(id.gt.p22,price.is.null))", ["p10", "p23"]),
            ("and=(id.gt.p10,id.lt.p12)", ["p11"]),
            ("not.or=(id.lt.p23,id.eq.p24)", ["p23"]),
            ("second_hand=is.false&id=eq.p10", ["p10"]),
            ("second_hand=is.true", []),
            ("id=like(any).{p10,p11}", ["p10", "p11"]),
            ("product_url=eq.http://p/12", ["p12"]),
            ("title=eq.Title+12", ["p12"]),
        ],
    )
    def test_filters(self, call, filters, expected):
        reply = call("GET", f"products?select=id&order=id.asc&{filters}")
        assert reply.status == 200, reply.body
        assert [r["id"] for r in reply.json] == expected

    @pytest.mark.parametrize(
        "query",
        [
            "id=noop.1",
            "id=1",
            "or=(id.eq.1",
            "select=id,,title",
            "order=id.up",
            "id=in.1,2",
            "id=is.nothing",
            "and=()",
            "select=id(",
        ],
    )
    def test_bad_queries(self, call, query):
        reply = call("GET", f"products?{query}")
        assert (reply.status, reply.code) == (400, "PGRST100"), reply.body
        assert reply.json["message"].startswith('"failed to parse')

    def test_relations_and_aggregates_are_not_there(self, call):
        assert call("GET", "products?select=id,brands(name)").code == "PGRST200"
        assert call("GET", "products?select=count()").code == "PGRST123"

    def test_filter_on_an_unknown_column_is_postgres_error(self, call):
        reply = call("GET", "products?nothing=eq.1")
        assert (reply.status, reply.code) == (400, "42703")

    def test_content_range(self, call):
        assert call("GET", "products?order=id").headers["Content-Range"] == "0-14/*"
        assert call("GET", "products?id=eq.x").headers["Content-Range"] == "*/*"
        partial = call("GET", "products?order=id&limit=5&offset=5", Prefer="count=exact")
        assert (partial.status, partial.headers["Content-Range"]) == (206, "5-9/15")
        whole = call("GET", "products", Prefer="count=exact")
        assert (whole.status, whole.headers["Content-Range"]) == (200, "0-14/15")
        empty = call("GET", "products?id=eq.x", Prefer="count=exact")
        assert (empty.status, empty.headers["Content-Range"]) == (200, "*/0")

    def test_range_header(self, call):
        reply = call("GET", "products?select=id&order=id", Range="3-4")
        assert ([r["id"] for r in reply.json], reply.headers["Content-Range"]) == (["p13", "p14"], "3-4/*")
        assert call("GET", "products", Range="4-3").status == 416
        assert call("GET", "products?offset=90", Prefer="count=exact").code == "PGRST103"

    def test_head_has_the_headers_alone(self, call):
        reply = call("HEAD", "products", Prefer="count=exact")
        assert (reply.status, reply.body, reply.headers["Content-Range"]) == (200, b"", "0-14/15")

    def test_max_rows_truncates_silently_and_keyset_paging_reads_all(self, call, server):
        server.control("settings", max_rows=4)
        reply = call("GET", "products?select=id&order=id&limit=10")
        assert (reply.status, len(reply.json), reply.headers["Content-Range"]) == (200, 4, "0-3/*")
        seen, last = [], ""
        while page := call("GET", f"products?select=id&order=id.asc&id=gt.{last}&limit=1000").json:
            seen += [r["id"] for r in page]
            last = seen[-1]
        assert seen == [f"p{n}" for n in range(10, 25)]

    def test_select_aliases_casts_and_json(self, call):
        reply = call("GET", "products?select=key:id,title,second_hand::text&id=eq.p10")
        assert reply.json == [{"key": "p10", "title": "Title 10", "second_hand": "false"}]
        call("POST", "old_products", {"source": "s", "external_id": "1", "metadata": {"a": {"b": [7, 8]}}})
        reply = call(
            "GET", "old_products?select=metadata->a->b->1,word:metadata->a->>b&metadata->a->b->>0=eq.7"
        )
        assert reply.json == [{"b": 8, "word": "[7, 8]"}]

    def test_order(self, call):
        reply = call("GET", "products?select=id&order=price.desc.nullslast,id.desc&limit=2")
        assert [r["id"] for r in reply.json] == ["p24", "p22"]

    def test_single_object(self, call):
        accept = "application/vnd.pgrst.object+json"
        assert call("GET", "products?select=id&id=eq.p10", Accept=accept).json == {"id": "p10"}
        reply = call("GET", "products?select=id", Accept=accept)
        assert (reply.status, reply.code, reply.json["details"]) == (
            406,
            "PGRST116",
            "The result contains 15 rows",
        )
        assert call("GET", "products", Accept="image/png").code == "PGRST107"

    def test_patch(self, call, server):
        reply = call("PATCH", "products?id=eq.p10", {"brand": "B"})
        assert (reply.status, reply.body) == (204, b"")
        assert server.rows()[0]["brand"] == "B"
        assert call("PATCH", "products?id=eq.none", {"brand": "B"}).status == 204
        counted = call(
            "PATCH", "products?id=lt.p12", {"brand": "C"}, Prefer="count=exact,return=representation"
        )
        assert (counted.status, len(counted.json), counted.headers["Content-Range"]) == (200, 2, "0-1/2")
        assert call("PATCH", "products?id=eq.p10", {"nothing": 1}).code == "PGRST204"

    def test_changes_without_a_filter_are_refused(self, call, server):
        for reply in (call("PATCH", "products", {"brand": "B"}), call("DELETE", "products")):
            assert (reply.status, reply.code) == (400, "21000")
            assert reply.json["message"].endswith("requires a WHERE clause")
        assert len(server.rows()) == 15

    def test_delete(self, call, server):
        reply = call("DELETE", "products?id=in.(p10,p11)", Prefer="count=exact")
        assert (reply.status, reply.headers["Content-Range"]) == (204, "*/2")
        shown = call("DELETE", "products?id=eq.p12&select=id", Prefer="return=representation")
        assert (shown.status, shown.json) == (200, [{"id": "p12"}])
        assert len(server.rows()) == 12


def test_unique_and_foreign_keys(call, server):
    server.sql("create table public.likes (product text references public.products(id), n int)")
    server.control("reload_schema")
    call("POST", "products", [row(1)])
    assert call("POST", "likes", {"product": "p1", "n": 1}).status == 201
    reply = call("DELETE", "products?id=eq.p1")
    assert (reply.status, reply.code) == (409, "23503")


# Functions.


def test_rpc(call, server):
    server.sql("""
        create function public.add(a int, b int default 10) returns int language sql immutable
          as 'select a + b';
        create function public.nothing(t text) returns void language sql as '';
        create function public.titles(prefix text) returns setof text language sql stable as
          $$ select title from products where title like prefix || '%' order by 1 $$;
        create function public.found(prefix text) returns setof products language sql stable as
          $$ select * from products where title like prefix || '%' $$;
        create function public.blob(json) returns json language sql as 'select $1';
        create function public.catwalk_set_vectors(ids text[], vectors text[]) returns int language plpgsql as
          $$ declare n int; begin
          update products p set image_embedding = v.vector::vector
            from unnest(ids, vectors) as v(id, vector) where p.id = v.id;
          get diagnostics n = row_count; return n; end $$;""")
    assert call("POST", "rpc/add", {"a": 1}).code == "PGRST202"  # not in the schema cache yet
    server.sql("notify pgrst, 'reload schema'")
    deadline = time.monotonic() + 5
    while call("POST", "rpc/add", {"a": 1}).status != 200 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert call("POST", "rpc/add", {"a": 1, "b": 2}).json == 3
    assert call("POST", "rpc/add", {"a": 1}).json == 11
    assert call("GET", "rpc/add?a=5").json == 15
    void = call("POST", "rpc/nothing", {"t": "x"})
    assert (void.status, void.body) == (204, b"")
    call("POST", "products", [row(1), row(2)])
    assert call("POST", "rpc/titles", {"prefix": "Title"}).json == ["Title 1", "Title 2"]
    assert call("POST", "rpc/found?select=id&order=id.desc", {"prefix": "T"}).json == [
        {"id": "p2"},
        {"id": "p1"},
    ]
    assert call("POST", "rpc/blob", {"x": [1]}).json == {"x": [1]}
    vectors = {"ids": ["p1", "px"], "vectors": [json.dumps(ZEROS), json.dumps(ZEROS)]}
    assert call("POST", "rpc/catwalk_set_vectors", vectors).json == 1
    missing = call("POST", "rpc/none", {"a": 1})
    assert (missing.status, missing.code) == (404, "PGRST202")
    assert call("POST", "rpc/add", {"c": 1}).code == "PGRST202"


# The root document.


def test_openapi(call):
    reply = call("GET", "")
    assert reply.status == 200
    properties = reply.json["definitions"]["products"]["properties"]
    assert properties["image_embedding"] == {"format": "public.vector(512)", "type": "string"}
    assert properties["color_names"] == {"format": "text[]", "type": "array", "items": {"type": "string"}}
    assert properties["second_hand"] == {"default": False, "format": "boolean", "type": "boolean"}
    assert "<pk/>" in properties["id"]["description"]
    assert reply.json["definitions"]["products"]["required"] == ["id", "title", "image_url"]
    old = reply.json["definitions"]["old_products"]["properties"]
    assert (old["embedding"]["format"], old["metadata"]["format"]) == ("public.vector(512)", "jsonb")


# Errors of Postgres.


@pytest.mark.parametrize(
    "sqlstate, status",
    [
        ("08006", 503),
        ("53300", 503),
        ("53400", 500),
        ("57P01", 503),
        ("25006", 405),
        ("25001", 500),
        ("0LP01", 403),
        ("28P01", 403),
        ("09000", 500),
        ("40001", 500),
        ("40P01", 500),
        ("54000", 500),
        ("55P03", 500),
        ("57014", 500),
        ("58030", 500),
        ("F0000", 500),
        ("HV000", 500),
        ("P0001", 400),
        ("P0002", 500),
        ("XX000", 500),
        ("42P17", 500),
        ("PT418", 418),
        ("22P02", 400),
        ("23514", 400),
        ("42704", 400),
        ("3F000", 400),
        ("42501", 403),
        ("42P01", 404),
        ("42883", 404),
        ("21000", 500),
        ("0P000", 403),
        ("2D000", 500),
        ("39000", 500),
        ("3B000", 500),
        ("38000", 500),
    ],
)
def test_status_of_sqlstate(call, server, sqlstate, status):
    server.fault("sql_error", sqlstate=sqlstate, message="so it is", times=1)
    reply = call("POST", "products", [row(1)])
    assert (reply.status, reply.code, reply.json["message"]) == (status, sqlstate, "so it is")
    assert ("Retry-After" in reply.headers) == (status == 503)
    assert server.rows() == []


def test_read_only_database(call, server):
    server.sql("alter role authenticator set default_transaction_read_only = on")
    try:
        server.sql("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'authenticator'")
        replies = [call("POST", "products", [row(1)]) for _ in range(12)]
        assert (replies[-1].status, replies[-1].code) == (405, "25006")
    finally:
        server.sql("alter role authenticator reset default_transaction_read_only")
        server.sql("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'authenticator'")
    for _ in range(12):  # connections that were idle are found closed, as in life
        reply = call("GET", "products")
        assert reply.status == 200 or reply.code in ("57P01", "PGRST001")
    assert reply.status == 200
