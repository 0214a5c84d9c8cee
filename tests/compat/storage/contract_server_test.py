"""The contract server judged by those who know Supabase best: its own clients for Python and JavaScript."""

import json
import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
HERE = pathlib.Path(__file__).resolve().parent
FUNCTIONS = """
create function public.add(a int, b int default 10) returns int language sql immutable as 'select a + b';
create function public.titled(prefix text) returns setof products language sql stable as
  $$ select * from products where title like prefix || '%' $$;
"""


def row(number, **more):
    return {
        "id": f"p{number:04}",
        "source": "scraper",
        "title": f"Title {number}",
        "image_url": f"http://i/{number}",
        "product_url": f"http://p/{number}",
        **more,
    }


@pytest.fixture
def functions(server):
    server.control("sql", sql=FUNCTIONS)


class TestPython:
    @pytest.fixture
    def client(self, server, functions):
        postgrest = pytest.importorskip("postgrest", reason="the official Python client is not installed")
        with postgrest.SyncPostgrestClient(f"{server.url}/rest/v1", headers={"apikey": server.key}) as client:
            yield client

    @pytest.fixture
    def refused(self):
        """The error that a call raises."""
        from postgrest.exceptions import APIError

        def run(builder):
            with pytest.raises(APIError) as caught:
                builder.execute()
            return caught.value

        return run

    def test_upserts(self, client, server):
        rows = [row(n) for n in range(250)]
        assert client.table("products").upsert(rows, count="exact").execute().count == 250
        again = client.table("products").upsert([row(1, title="new"), row(900)]).execute()
        assert {r["id"]: r["title"] for r in again.data} == {"p0001": "new", "p0900": "Title 900"}
        ignored = client.table("products").upsert([row(1), row(901)], ignore_duplicates=True).execute()
        assert [r["id"] for r in ignored.data] == ["p0901"]
        assert len(server.rows()) == 252
        assert server.writes()["p0001"] == 2

    def test_upsert_on_the_old_key(self, client, server):
        for title in "ab":
            client.table("old_products").upsert(
                {"source": "s", "external_id": "1", "title": title}, on_conflict="source,external_id"
            ).execute()
        assert [r["title"] for r in server.rows("old_products")] == ["b"]

    def test_uneven_rows_name_their_columns(self, client):
        rows = [row(1, brand="B"), row(2)]
        inserted = client.table("products").insert(rows, default_to_null=False).execute().data
        assert [(r["brand"], r["second_hand"]) for r in inserted] == [("B", False), (None, False)]

    def test_paging_reads_what_max_rows_would_hide(self, client):
        client.table("products").insert([row(n) for n in range(2300)]).execute()
        whole = client.table("products").select("id", count="exact").execute()
        assert (len(whole.data), whole.count) == (1000, 2300)
        pages, start = [], 0
        while (
            page := client.table("products").select("id").order("id").range(start, start + 999).execute().data
        ):
            pages.append(len(page))
            start += 1000
        assert pages == [1000, 1000, 300]

    def test_filters_patches_deletes(self, client, server, refused):
        client.table("products").insert([row(n) for n in range(20)]).execute()
        found = (
            client.table("products")
            .select("id")
            .in_("id", ["p0003", "p0004"])
            .order("id", desc=True)
            .execute()
        )
        assert [r["id"] for r in found.data] == ["p0004", "p0003"]
        found = client.table("products").select("id").or_("id.eq.p0001,id.gt.p0018").order("id").execute()
        assert [r["id"] for r in found.data] == ["p0001", "p0019"]
        assert client.table("products").select("id").ilike("title", "TITLE 7").single().execute().data == {
            "id": "p0007"
        }
        vector = [0.5] + [0.0] * 511
        client.table("products").update({"image_embedding": vector}).eq("id", "p0002").execute()
        assert server.rows()[2]["image_embedding"] == vector
        missing = client.table("products").select("id").is_("image_embedding", "null").execute().data
        assert len(missing) == 19
        assert len(client.table("products").delete().lt("id", "p0005").execute().data) == 5
        assert refused(client.table("products").delete()).code == "21000"

    def test_functions(self, client, refused):
        assert client.rpc("add", {"a": 1, "b": 2}).execute().data == 3
        client.table("products").insert([row(n) for n in range(3)]).execute()
        assert len(client.rpc("titled", {"prefix": "Title"}).execute().data) == 3
        assert refused(client.rpc("none", {})).code == "PGRST202"

    def test_errors_reach_the_user_with_their_code(self, client, refused):
        client.table("products").insert(row(1)).execute()
        assert refused(client.table("products").insert(row(1))).code == "23505"
        assert refused(client.table("products").insert(row(2, colour="red"))).code == "PGRST204"
        assert refused(client.table("nothing").select("*")).code == "PGRST205"
        error = refused(client.table("products").insert(row(3, image_embedding=[1.0] * 768)))
        assert (error.code, error.message) == ("22000", "expected 512 dimensions, not 768")


@pytest.fixture(scope="module")
def javascript_client():
    """The folder of @supabase/postgrest-js, installed into build/node where it is missing."""
    if not shutil.which("node"):
        pytest.skip("node is not installed: Supabase's JavaScript client is not run")
    folder = ROOT / "build" / "node"
    package = folder / "node_modules" / "@supabase" / "postgrest-js"
    if not package.exists():
        if not shutil.which("npm"):
            pytest.skip("npm is not installed: Supabase's JavaScript client is not run")
        folder.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            ["npm", "install", "--no-audit", "--no-fund", "--prefix", folder, "@supabase/postgrest-js@2"],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if done.returncode != 0:
            pytest.skip(f"npm could not install Supabase's JavaScript client: {done.stderr.strip()[-300:]}")
    return package


@pytest.fixture
def seen(server, functions, javascript_client):
    done = subprocess.run(
        ["node", HERE / "postgrest_js_client.cjs", server.url, server.key, javascript_client],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_javascript(seen):
    assert (seen["upsert"]["status"], seen["upsert"]["count"]) == (201, 2500)
    assert (seen["upsert_again"]["status"], seen["upsert_again"]["data"]) == (
        200,
        [{"id": "p0001", "title": "new"}],
    )
    assert seen["ignore"]["data"] == [{"id": "p9000"}]
    assert seen["uneven"]["data"] == [
        {"id": "p9001", "brand": "B", "second_hand": False},
        {"id": "p9002", "brand": None, "second_hand": False},
    ]
    assert seen["conflict_on"]["status"] == 201
    assert (seen["conflict_on_again"]["status"], seen["conflict_on_again"]["data"]) == (200, {"title": "b"})
    assert json.loads(seen["vector"]["data"]["image_embedding"]) == [0.5] + [0] * 511
    assert (seen["wrong_width"]["status"], seen["wrong_width"]["code"]) == (400, "22000")
    assert seen["pages"] == [1000, 1000, 503]
    assert seen["truncated"] == {"status": 206, "length": 1000, "count": 2503}
    assert (seen["head"]["status"], seen["head"]["count"], seen["head"]["data"]) == (206, 2503, None)
    filters = seen["filters"]
    assert filters["eq"] == [{"title": "Title 7"}]
    assert filters["in"] == [{"id": "p0003"}, {"id": "p0004"}]
    assert filters["or"] == [{"id": "p0005"}, {"id": "p2499"}]
    assert filters["not"] == [{"id": "p9001"}]
    assert filters["like"] == [{"id": "p2499"}, {"id": "p2498"}]
    assert (filters["maybe"]["data"], filters["maybe"]["code"]) == (None, None)
    assert (filters["single"]["status"], filters["single"]["code"]) == (406, "PGRST116")
    assert (seen["patch"]["status"], seen["patch"]["count"]) == (204, 10)
    assert (seen["remove"]["status"], seen["remove"]["count"]) == (204, 2)
    assert (seen["remove_all"]["status"], seen["remove_all"]["code"]) == (400, "21000")
    assert (seen["rpc"]["data"], seen["rpc_get"]["data"]) == (5, 12)
    assert seen["rpc_rows"]["data"] == [{"id": "p0024"}, {"id": "p0240"}]
    assert (seen["rpc_missing"]["status"], seen["rpc_missing"]["code"]) == (404, "PGRST202")
    assert (seen["no_table"]["status"], seen["no_table"]["code"]) == (404, "PGRST205")
    assert (seen["no_column"]["status"], seen["no_column"]["code"]) == (400, "PGRST204")
    assert (seen["duplicate"]["status"], seen["duplicate"]["code"]) == (409, "23505")
    assert (seen["wrong_key"]["status"], seen["wrong_key"]["message"]) == (401, "Invalid API key")
