"""`embed.backend: remote`, `embed.fallback` and `catwalk compare`, against a service that speaks the predecessor's
contract and against catwalk's own `/embed`."""

import json
import sqlite3

import numpy as np
import pytest

from tests.integration.site_files import site_text
from tests.support.catwalk_binary import Catwalk, wait_until
from tests.support.daemon_door import IDLE, Daemon
from tests.support.remote_service import RemoteService, vector_of


@pytest.fixture
def remote():
    with RemoteService() as service:
        yield service


def images(workdir):
    """{address: (vector, fingerprint)} of what has a vector."""
    with sqlite3.connect(f"file:{workdir / 'state' / 'catwalk.sqlite3'}?mode=ro", uri=True) as db:
        rows = db.execute("select url, vector, fingerprint from images where vector is not null").fetchall()
    return {url: (np.frombuffer(vector, dtype="<f4"), fingerprint) for url, vector, fingerprint in rows}


def test_the_predecessors_variables_are_enough(catwalk, configure, shop, supabase, remote, workdir):
    configure(shop, supabase)
    env = {
        "USE_RAILWAY_EMBEDDINGS": "yes",
        "RAILWAY_EMBEDDINGS_URL": remote.url,
        "EMBEDDINGS_TIMEOUT": "20",
        "CATWALK_EMBED_MODEL": "auto",
    }
    done = catwalk("scrape", "Zara", env=env)
    assert done.code == 0, done
    assert len(supabase.rows()) == 60
    found = images(workdir)
    assert len(found) == 60
    for url, (vector, fingerprint) in found.items():
        assert np.abs(vector - np.array(vector_of(url), dtype=np.float32)).max() < 1e-6
        assert fingerprint == f"remote:{remote.url}#clip-vit-b-32"
    body, headers = remote.seen[0]
    assert set(body) == {"image", "type"} and body["type"] == "url"
    assert headers["Content-Type"] == "application/json"
    assert remote.most_in_flight <= 2, "embed.remote.concurrency"


def test_rows_are_filled_by_the_service(catwalk, configure, shop, supabase, remote):
    configure(shop, supabase)
    assert catwalk("scrape", "Zara", "--allow-untrained").code == 0
    refused = catwalk("backfill", "--all", "--backend", "remote")
    assert refused.code == 2 and "embed.remote.url is not set" in refused.err and "RAILWAY_EMBEDDINGS_URL" in refused.err
    wrong = catwalk("backfill", "--backend", "elsewhere")
    assert wrong.code == 2 and "--backend" in wrong.err
    env = {"CATWALK_EMBED_REMOTE_URL": remote.url, "CATWALK_EMBED_MODEL": "auto"}
    done = catwalk("backfill", "--all", "--backend", "remote", "--json", env=env)
    assert done.code == 0, done
    assert done.json["done"] == 60
    for row in supabase.rows():
        vector = np.array(row["image_embedding"], dtype=np.float32)
        assert np.abs(vector - np.array(vector_of(row["image_url"]), dtype=np.float32)).max() < 1e-6
        assert row["embedding_model"] == "clip-vit-b-32"


@pytest.mark.parametrize("fault", ["500", "cut", "nonsense", "width"])
def test_what_the_service_fails_on_is_tried_again_later(catwalk, configure, shop, remote, workdir, fault):
    """500 and cuts pass; an answer of another shape stays one. No row is lost, and the reason is told."""
    remote.fault, remote.faults = fault, None
    configure(shop, embed={"backend": "remote", "model": "auto", "remote": {"url": remote.url, "timeout": "2s"}})
    done = catwalk("scrape", "Zara", "--limit", "3")
    assert done.code == 3, done
    assert "3 failed" in done.out
    assert images(workdir) == {}
    says = {"500": "500", "cut": "", "nonsense": "no embedding", "width": "256 numbers, 512 are expected"}[fault]
    assert says in done.err and remote.url in done.err
    assert len(remote.seen) == {"500": 9, "cut": 9}.get(fault, 3)
    remote.fault = None
    assert catwalk("scrape", "Zara", "--limit", "3").code == 0
    assert len(images(workdir)) == 3


def test_a_cold_start_is_waited_out(catwalk, configure, shop, remote, workdir):
    remote.fault, remote.faults = "slow", 2
    configure(shop, embed={"backend": "remote", "model": "auto", "remote": {"url": remote.url, "timeout": "2s"}})
    assert catwalk("scrape", "Zara", "--limit", "4").code == 0
    assert len(images(workdir)) == 4


def test_the_fallback_steps_in_and_its_vectors_are_replaced(catwalk, configure, shop, remote, workdir):
    remote.fault = "500"
    embed = {"backend": "remote", "fallback": "local", "remote": {"url": remote.url}}
    configure(shop, embed=embed)
    done = catwalk("scrape", "Zara", "--limit", "10")
    assert done.code == 0, done
    prints = {fingerprint for _, fingerprint in images(workdir).values()}
    assert len(prints) == 1 and not prints.pop().startswith("remote:")
    assert "embed.fallback is asked" in done.err
    assert len(remote.seen) <= 30
    remote.fault = None
    assert catwalk("scrape", "Zara", "--limit", "10").code == 0
    assert all(fingerprint.startswith("remote:") for _, fingerprint in images(workdir).values())


def test_another_catwalk_is_a_remote_encoder(catwalk, configure, shop, tmp_path_factory, workdir):
    """Two daemons' worth: one embeds, the other asks it; the vectors are those of the first."""
    settings = configure(sites="[]\n", schedule=IDLE, embed={"precision": "fp32"})
    there = Daemon(catwalk.daemon(settings["port"]), workdir / "state")
    wait_until(lambda: there.ask("GET", "/-/ready")[0] == 200)
    token = there.token
    here = Catwalk(tmp_path_factory.mktemp("here"))
    text = (workdir / "catwalk.yaml").read_text()
    (here.folder / "catwalk.yaml").write_text(text.replace(str(workdir / "state"), str(here.folder / "state")))
    (here.folder / "sites.yaml").write_text(site_text(shop))
    env = {
        "CATWALK_EMBED_BACKEND": "remote",
        "CATWALK_EMBED_REMOTE_URL": f"http://127.0.0.1:{there.port}/embed",
        "CATWALK_EMBED_REMOTE_TOKEN": token,
    }
    done = here("scrape", "Zara", "--limit", "5", env=env)
    assert done.code == 0, done
    assert token not in done.err + done.out
    asked = images(here.folder)
    assert len(asked) == 5
    done = here("scrape", "Zara", "--limit", "5", env={"CATWALK_EMBED_PRECISION": "fp32"})
    assert done.code == 0, done
    local = images(here.folder)
    for url, (vector, fingerprint) in local.items():
        assert not fingerprint.startswith("remote:")
        assert vector @ asked[url][0] > 0.99999


def test_compare(catwalk, configure, shop, remote, workdir):
    settings = configure(shop, schedule=IDLE, embed={"precision": "fp32"})
    assert catwalk("compare", "--remote", remote.url).code == 1, "there is no state yet"
    assert catwalk("scrape", "Zara", "--limit", "6").code == 0
    daemon = Daemon(catwalk.daemon(settings["port"]), workdir / "state")
    wait_until(lambda: daemon.ask("GET", "/-/ready")[0] == 200)
    own = f"http://127.0.0.1:{daemon.port}/embed"
    env = {"CATWALK_EMBED_REMOTE_TOKEN": daemon.token}
    done = catwalk("compare", "--remote", own, "--sample", "4", "--json", env=env)
    assert done.code == 0, done
    told = done.json
    assert told["compared"] == 4 and told["alike"] is True
    assert 0.99999 < told["min"] <= told["p5"] <= told["median"] <= 1
    assert {line["image"] for line in told["images"]} <= set(images(workdir))

    done = catwalk("compare", "--remote", remote.url, "--sample", "6")
    assert done.code == 1, done
    lines = done.out.splitlines()
    assert len(lines) == 7 and "some are below 0.95" in lines[-1]
    assert catwalk("compare", "--remote", remote.url, "--sample", "6", "--threshold", "-1").code == 0
    (workdir / "page.jpg").write_text("<html>no picture</html>")
    url = next(iter(images(workdir)))
    done = catwalk("compare", "--remote", own, "page.jpg", url, env=env)
    assert done.code == 3, done
    assert "page.jpg" in done.err
    remote.fault = "500"
    done = catwalk("compare", "--remote", remote.url, url)
    assert done.code == 1 and "500" in done.err


@pytest.mark.parametrize(
    "arguments, says",
    [
        ((), "--remote"),
        (("--remote", "ftp://x"), "--remote"),
        (("--remote", "http://x", "--sample", "0"), "--sample"),
        (("--remote", "http://x", "--threshold", "2"), "--threshold"),
        (("--remote", "http://x", "--sample", "2", "a.jpg"), "not both"),
    ],
)
def test_compare_refuses_wrong_usage(catwalk, configure, arguments, says):
    configure()
    done = catwalk("compare", *arguments)
    assert done.code == 2, done
    assert says in done.err
    assert done.out == ""


def test_people_are_answered_with_remote_vectors_too(catwalk, configure, remote, workdir):
    settings = configure(
        sites="[]\n", schedule=IDLE, embed={"backend": "remote", "model": "auto", "remote": {"url": remote.url}}
    )
    daemon = Daemon(catwalk.daemon(settings["port"]), workdir / "state")
    wait_until(lambda: daemon.ask("GET", "/-/ready")[0] == 200)
    body = json.dumps({"image": "aGVsbG8=", "type": "base64"})
    status, _, text = daemon.ask("POST", "/embed", body, Authorization=f"Bearer {daemon.token}")
    assert status == 200, text
    assert json.loads(text)["fingerprint"].startswith("remote:")
    assert remote.seen[-1][0]["type"] == "base64" and remote.seen[-1][0]["exif"] is True
