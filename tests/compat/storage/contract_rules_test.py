"""The contract server against the rules of PostgREST and of the gateway, one by one, over plain HTTP."""

import base64
import json
import pathlib
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

import psycopg
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
ZEROS = [0.0] * 512


def row(number, **more):
    return {
        "id": f"p{number}",
        "source": "scraper",
        "title": f"Title {number}",
        "image_url": f"http://i/{number}",
        "product_url": f"http://p/{number}",
        **more,
    }


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        return self.json["code"]


@pytest.fixture
def call(server):
    """call(method, path, body, **headers with _ for -): the reply; as the service role unless told else."""

    def send(method, path, body=None, raw=None, timeout=20, **headers):
        given = {
            "apikey": server.key,
            "User-Agent": "test",
            **{k.replace("_", "-"): v for k, v in headers.items()},
        }
        given = {name: value for name, value in given.items() if value is not None}
        data = raw if raw is not None else None if body is None else json.dumps(body).encode()
        if data is not None:
            given.setdefault("Content-Type", "application/json")
        request = urllib.request.Request(f"{server.url}/rest/v1/{path}", data, given, method=method)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return Reply(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            return Reply(error.code, error.headers, error.read())

    return send


MERGE = "resolution=merge-duplicates,return=minimal"


# The gateway.


def test_no_key_is_401_without_code(call):
    reply = call("GET", "products", apikey=None)
    assert reply.status == 401
    assert reply.json == {
        "message": "No API key found in request",
        "hint": "No `apikey` request header or url param was found.",
    }


def test_wrong_key_is_401_without_code(call):
    reply = call("GET", "products", apikey="sb_secret_wrong")
    assert (reply.status, reply.json["message"]) == (401, "Invalid API key")
    assert "code" not in reply.json


def test_key_in_the_address_is_taken(call, server):
    assert call("GET", f"products?apikey={server.key}", apikey=None).status == 200


def test_new_key_as_bearer_is_refused_by_postgrest(call, server):
    reply = call("GET", "products", Authorization=f"Bearer {server.key}")
    assert (reply.status, reply.code) == (401, "PGRST301")
    assert reply.json["message"] == "Expected 3 parts in JWT; got 1"
    assert reply.headers["WWW-Authenticate"].startswith("Bearer")


def test_secret_key_from_a_browser_is_refused(call):
    assert call("GET", "products", User_Agent="Mozilla/5.0 (X11) AppleWebKit/537.36").status == 401


def test_legacy_key_in_both_headers_is_the_service_role(call, server):
    legacy = {"apikey": server.keys["service"], "Authorization": f"Bearer {server.keys['service']}"}
    assert call("POST", "products", row(1), **legacy).status == 201


def test_legacy_key_alone_is_anonymous(call, server):
    assert call("POST", "products", row(1), apikey=server.keys["service"]).status == 401


def test_expired_forged_and_roleless_tokens(call, server):
    expired = server.control("token", role="service_role", exp=int(time.time()) - 100)["token"]
    assert call("GET", "products", Authorization=f"Bearer {expired}").code == "PGRST303"
    head, _, signature = server.keys["service"].split(".")
    forged = base64.urlsafe_b64encode(b'{"role":"postgres"}').rstrip(b"=").decode()
    assert call("GET", "products", Authorization=f"Bearer {head}.{forged}.{signature}").code == "PGRST301"
    unknown = server.control("token", role="nobody_there")["token"]
    reply = call("GET", "products", Authorization=f"Bearer {unknown}")
    assert (reply.status, reply.code) == (401, "22023")


def test_rotated_keys_end_the_old_ones_at_once(call, server):
    old = server.key
    server.rotate_keys()
    assert call("GET", "products", apikey=old).status == 401
    assert call("GET", "products", apikey=server.key).status == 200


def test_row_security_hides_rows_and_refuses_writes(call, server):
    assert call("POST", "products", row(1)).status == 201
    reply = call("GET", "products", apikey=server.keys["publishable"])
    assert (reply.status, reply.json) == (200, [])
    refused = call("POST", "products", row(2), apikey=server.keys["publishable"])
    assert (refused.status, refused.code) == (401, "42501")
    assert call("DELETE", "products?id=eq.p1", apikey=server.keys["publishable"]).status == 204
    assert len(server.rows()) == 1
    token = server.control("token", role="authenticated")["token"]
    refused = call("POST", "products", row(3), Authorization=f"Bearer {token}")
    assert (refused.status, refused.code) == (403, "42501")


# Writing.


def test_minimal_answer(call):
    reply = call("POST", "products", [row(1), row(2)])
    assert (reply.status, reply.body, reply.headers["Content-Range"]) == (201, b"", "*/*")


def test_representation_and_count(call):
    reply = call(
        "POST", "products?select=id,title", [row(1), row(2)], Prefer="return=representation,count=exact"
    )
    assert reply.status == 201
    assert reply.json == [{"id": "p1", "title": "Title 1"}, {"id": "p2", "title": "Title 2"}]
    assert reply.headers["Content-Range"] == "*/2"
    assert reply.headers["Preference-Applied"] == "return=representation, count=exact"


def test_merge_is_201_with_a_new_row_and_200_without(call, server):
    assert call("POST", "products", [row(1)], Prefer=MERGE).status == 201
    assert call("POST", "products", [row(1, title="x"), row(2)], Prefer=MERGE).status == 201
    assert call("POST", "products", [row(1, title="y")], Prefer=MERGE).status == 200
    assert call("POST", "products", [], Prefer=MERGE).status == 200
    assert [r["title"] for r in server.rows()] == ["y", "Title 2"]
    assert server.writes() == {"p1": 3, "p2": 1}


def test_merge_on_the_second_key(call, server):
    old = {"source": "s", "external_id": "7", "title": "a"}
    path = "old_products?on_conflict=source,external_id"
    assert call("POST", path, [old], Prefer=MERGE).status == 201
    assert call("POST", path, [{**old, "title": "b"}], Prefer=MERGE).status == 200
    assert [r["title"] for r in server.rows("old_products")] == ["b"]


def test_ignore_returns_new_rows_alone(call):
    call("POST", "products", [row(1)])
    reply = call(
        "POST",
        "products?select=id",
        [row(1, title="x"), row(2)],
        Prefer="resolution=ignore-duplicates,return=representation",
    )
    assert (reply.status, reply.json) == (201, [{"id": "p2"}])


def test_duplicate_without_resolution_is_409(call):
    call("POST", "products", [row(1)])
    reply = call("POST", "products", [row(1)])
    assert (reply.status, reply.code) == (409, "23505")
    assert "already exists" in reply.json["details"]


def test_second_unique_key_is_409_on_merge_too(call):
    call("POST", "products", [row(1)])
    reply = call("POST", "products", [{**row(2), "product_url": "http://p/1"}], Prefer=MERGE)
    assert (reply.status, reply.code) == (409, "23505")
    assert "(source, product_url)" in reply.json["details"]


def test_different_keys_are_refused(call):
    reply = call("POST", "products", [row(1), row(2, brand="b")])
    assert (reply.status, reply.code) == (400, "PGRST102")
    assert reply.json["message"] == "All object keys must match"


@pytest.mark.parametrize("raw", [b"", b"[{", b"nonsense", b'[{"id": NaN}]'])
def test_broken_body(call, raw):
    reply = call("POST", "products", raw=raw)
    assert (reply.status, reply.code, reply.json["message"]) == (400, "PGRST102", "Empty or invalid json")


def test_unknown_column(call):
    reply = call("POST", "products", [row(1, colour="red")])
    assert (reply.status, reply.code) == (400, "PGRST204")
    assert reply.json["message"] == "Could not find the 'colour' column of 'products' in the schema cache"
    assert reply.headers["Proxy-Status"] == "PostgREST; error=PGRST204"
    assert reply.headers["Content-Type"] == "application/json; charset=utf-8"
    assert set(reply.json) == {"code", "message", "details", "hint"}


def test_columns_ignores_others_and_nulls_what_is_missing(call, server):
    call("POST", "products", [row(1, brand="B")])
    path = "products?columns=" + urllib.parse.quote('"id","title","image_url","brand"')
    reply = call("POST", path, [row(1, title="new", colour="red")], Prefer=MERGE)
    assert reply.status == 200
    stored = server.rows()[0]
    assert (stored["title"], stored["brand"], stored["product_url"]) == ("new", None, "http://p/1")


def test_missing_default(call, server):
    path = "products?columns=id,title,image_url,second_hand"
    body = [{"id": "a", "title": "t", "image_url": "i"}]
    call("POST", path, body, Prefer="missing=default")
    assert server.rows()[0]["second_hand"] is False
    call("POST", path, body, Prefer=MERGE)
    assert server.rows()[0]["second_hand"] is None


def test_same_key_twice_in_a_merge(call):
    reply = call("POST", "products", [row(1), row(1)], Prefer=MERGE)
    assert (reply.status, reply.code) == (500, "21000")
    assert reply.json["message"] == "ON CONFLICT DO UPDATE command cannot affect row a second time"


def test_wrong_vector_width(call):
    reply = call("POST", "products", [row(1, image_embedding=[0.5] * 768)])
    assert (reply.status, reply.code, reply.json["message"]) == (
        400,
        "22000",
        "expected 512 dimensions, not 768",
    )


def test_nul_in_text(call):
    reply = call("POST", "products", [row(1, brand="a\0b")])
    assert (reply.status, reply.code) == (400, "22P05")


def test_no_constraint_for_on_conflict(call):
    reply = call("POST", "products?on_conflict=title", [row(1)], Prefer=MERGE)
    assert (reply.status, reply.code) == (400, "42P10")


def test_null_where_none_may_be(call):
    reply = call("POST", "products", [{**row(1), "title": None}])
    assert (reply.status, reply.code) == (400, "23502")


def test_missing_table(call):
    reply = call("GET", "product")
    assert (reply.status, reply.code) == (404, "PGRST205")
    assert reply.json["message"] == "Could not find the table 'public.product' in the schema cache"
    assert reply.json["hint"] == "Perhaps you meant the table 'public.products'"


def test_one_bad_row_leaves_none(call, server):
    assert call("POST", "products", [row(1), row(2, image_embedding=[1, 2])]).status == 400
    assert server.rows() == []


def test_vectors_and_arrays_come_back(call):
    vector = [0.25, -0.5] + [0] * 510
    assert call("POST", "products", [row(1, image_embedding=vector, color_names=["a", "b,c"])]).status == 201
    reply = call("GET", "products?select=image_embedding,color_names").json[0]
    assert isinstance(reply["image_embedding"], str)
    assert json.loads(reply["image_embedding"]) == vector
    assert reply["color_names"] == ["a", "b,c"]
    assert call("PATCH", "products?id=eq.p1", {"image_embedding": json.dumps(vector)}).status == 204


def test_statement_timeout_is_postgres_own(call, server):
    server.control("slow_rows", seconds=0.05)
    server.control("settings", statement_timeout_ms=400)
    reply = call("POST", "products", [row(n) for n in range(20)])
    assert (reply.status, reply.code) == (500, "57014")
    assert call("POST", "products", [row(n) for n in range(4)]).status == 201


def test_body_over_the_gateways_limit_is_html(call, server):
    server.control("settings", max_body=1000)
    reply = call("POST", "products", [row(1, description="x" * 2000)])
    assert reply.status == 413
    assert reply.body.startswith(b"<html>")


# Reading, changing, deleting.


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


# Misbehaviour.


def test_scripted_answers(call, server):
    server.fault(
        "respond", status=429, headers={"Retry-After": "7"}, body="slow down", times=2, method="POST"
    )
    for _ in range(2):
        reply = call("POST", "products", [row(1)])
        assert (reply.status, reply.headers["Retry-After"], reply.body) == (429, "7", b"slow down")
    assert call("GET", "products").json == []
    assert call("POST", "products", [row(1)]).status == 201


def test_faults_by_chance_repeat_with_the_seed(call, server):
    def pattern():
        server.clear_faults()
        server.fault("respond", status=500, probability=0.5, seed=3)
        return [call("GET", "products").status for _ in range(12)]

    first = pattern()
    assert first == pattern()
    assert set(first) == {200, 500}


def test_answer_may_be_lost_after_the_commit(call, server):
    server.fault("drop", times=1)
    with pytest.raises((ConnectionError, urllib.error.URLError)):
        call("POST", "products", [row(1)])
    assert server.writes() == {"p1": 1}
    server.fault("respond", status=502, body="", after=True, times=1)
    assert call("POST", "products", [row(2)]).status == 502
    assert len(server.rows()) == 2


def _raw_exchange(server, method="GET", path="/rest/v1/products"):
    """Everything the server sends, and whether it ended with a reset."""
    with socket.create_connection(("127.0.0.1", int(server.url.rsplit(":", 1)[1])), timeout=10) as connection:
        connection.sendall(
            (
                f"{method} {path} HTTP/1.1\r\nHost: x\r\napikey: {server.key}\r\nContent-Length: 0\r\n\r\n"
            ).encode()
        )
        received = b""
        try:
            while piece := connection.recv(65536):
                received += piece
        except ConnectionResetError:
            return received, True
    return received, False


def test_reset_before_and_within_the_answer(call, server):
    call("POST", "products", [row(n) for n in range(5)])
    server.fault("reset", times=1)
    assert _raw_exchange(server) == (b"", True)
    server.fault("reset", times=1, bytes=40, after=True)
    received, was_reset = _raw_exchange(server)
    assert (len(received), was_reset) == (40, True)
    assert received.startswith(b"HTTP/1.1 200")


def test_truncated_answer(call, server):
    call("POST", "products", [row(n) for n in range(5)])
    server.fault("truncate", times=1)
    received, was_reset = _raw_exchange(server)
    head, _, body = received.partition(b"\r\n\r\n")
    promised = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    assert not was_reset
    assert 0 < len(body) < promised


def test_stall_and_slow(call, server):
    server.fault("stall", seconds=0.5, times=1)
    started = time.monotonic()
    assert call("GET", "products").status == 200
    assert time.monotonic() - started >= 0.5
    server.fault("stall", times=1, after=True)
    with pytest.raises(OSError):
        call("POST", "products", [row(1)], timeout=0.5)
    assert server.writes() == {"p1": 1}
    server.fault("slow", seconds=0.6, times=1)
    started = time.monotonic()
    assert len(call("GET", "products").json) == 1
    assert time.monotonic() - started >= 0.5


def test_statement_timeout_on_command(call, server):
    server.fault("statement_timeout", times=1)
    reply = call("POST", "products", [row(1)])
    assert (reply.status, reply.code) == (500, "57014")
    assert reply.json["message"] == "canceling statement due to statement timeout"
    assert server.rows() == []


def test_log_names_what_was_asked(call, server):
    call("GET", "products?id=eq.1")
    call("POST", "products", [row(1)], Prefer=MERGE)
    last = server.requests()[-1]
    assert (last["method"], last["path"], last["status"]) == ("POST", "/rest/v1/products", 201)
    assert last["headers"]["prefer"] == MERGE
    assert server.control("counts")["by_method"] == {"GET": 1, "POST": 1}


def test_unknown_fault_or_setting_is_refused(server):
    with pytest.raises(ValueError, match="no fault"):
        server.fault("explode")
    with pytest.raises(ValueError, match="no setting"):
        server.control("settings", nothing=1)


# The process.


def start_command():
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "tests.support.postgrest",
            "--port",
            "0",
            "--print-url",
            "--layout",
            "2026-02",
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    return process, json.loads(process.stdout.readline())


def is_alive(dsn):
    try:
        psycopg.connect(dsn, connect_timeout=2).close()
        return True
    except psycopg.OperationalError:
        return False


@pytest.fixture
def own_tmp(tmp_path, monkeypatch):
    """A temporary folder of the command's own, which Postgres' user can enter."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    return tmp_path


def test_sigterm_ends_the_command_and_leaves_nothing(own_tmp):
    process, said = start_command()
    assert said["pid"] == process.pid
    request = urllib.request.Request(f"{said['url']}/rest/v1/products", headers={"apikey": said["key"]})
    with urllib.request.urlopen(request) as answer:
        assert json.load(answer) == []
    assert list(own_tmp.iterdir())
    process.terminate()
    assert process.wait(20) == 0
    process.stdout.close()
    assert not is_alive(said["dsn"])
    assert list(own_tmp.iterdir()) == []


@pytest.mark.usefixtures("own_tmp")
def test_postgres_dies_with_a_killed_server():
    process, said = start_command()
    process.kill()
    process.wait(10)
    process.stdout.close()
    deadline = time.monotonic() + 10
    while is_alive(said["dsn"]) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_alive(said["dsn"])
