"""The contract server against PostgREST's rules for what is written."""

import json
import urllib.parse

import pytest

from tests.compat.storage.plain_http import MERGE, row


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
