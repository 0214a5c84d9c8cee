"""Models: downloading over a bad line, and what is kept of it."""

import hashlib

from tests.support.catwalk_binary import free_port, wait_until
from tests.support.model_server import ModelServer, SilentServer
from tests.support.small_clip import archive, body, check_its_vectors, clip, left_in, listed, models  # noqa: F401


def hash_of(body):
    return hashlib.sha256(body).hexdigest()


def pull(url, sha256, *more):
    return ("model", "pull", "--url", url, "--sha256", sha256, "--name", "stand-in", *more)


def test_a_download_that_is_cut_goes_on_where_it_stopped(catwalk, models, body, clip, workdir):
    cuts = [700_000, 1, 900_000]
    with ModelServer(body, cuts=cuts) as server:
        done = catwalk(*pull(server.url, hash_of(body)))
        assert done.code == 0, done
        assert [seen.range for seen in server.gets] == [
            None,
            "bytes=700000-",
            "bytes=700001-",
            "bytes=1600001-",
        ]
        assert sum(seen.sent for seen in server.gets) == len(body), "a byte was sent twice"
    model = listed(catwalk)["stand-in"]
    assert (model["dim"], model["image_size"], model["untrained"]) == (512, 224, False)
    assert model["source"] == server.url
    assert model["source_sha256"] == hash_of(body)
    assert left_in(models) == ["stand-in"]
    check_its_vectors(catwalk, "stand-in", clip, workdir)


def test_a_server_without_ranges_sends_everything_again(catwalk, models, body):
    with ModelServer(body, cuts=[500_000], ranges=False) as server:
        done = catwalk(*pull(server.url, hash_of(body)))
        assert done.code == 0, done
        assert len(server.gets) >= 2
    assert left_in(models) == ["stand-in"]


def test_a_wrong_hash_leaves_nothing(catwalk, models, body):
    promised = hash_of(b"something else")
    with ModelServer(body) as server:
        done = catwalk(*pull(server.url, promised))
    assert done.code == 1, done
    assert promised in done.err
    assert hash_of(body) in done.err
    assert server.url in done.err
    assert left_in(models) == []
    assert listed(catwalk) == {}


def test_a_killed_download_goes_on_where_it_stopped(catwalk, models, body):
    held = len(body) // 2
    with ModelServer(body, stall_at=held) as server:
        process = catwalk.begin(*pull(server.url, hash_of(body)))

        def arrived():
            assert process.ended is None, process.err
            return [part for part in models.glob(".*.part") if part.stat().st_size == held]

        (part,) = wait_until(arrived, 30, "half of the file did not arrive")
        process.kill()
        assert part.read_bytes() == body[:held]
        server.release()
        done = catwalk(*pull(server.url, hash_of(body)))
        assert done.code == 0, done
        assert server.gets[-1].range == f"bytes={held}-"
        assert server.gets[-1].sent == len(body) - held
    assert left_in(models) == ["stand-in"]
    assert catwalk("model", "verify", "stand-in").code == 0


def test_an_interrupted_download_goes_on_too(catwalk, models, body):
    held = len(body) // 3
    with ModelServer(body, stall_at=held) as server:
        process = catwalk.begin(*pull(server.url, hash_of(body)))
        wait_until(lambda: any(p.stat().st_size == held for p in models.glob(".*.part")), 30)
        assert process.terminate(5) == 130
        server.release()
        assert catwalk(*pull(server.url, hash_of(body))).code == 0
        assert server.gets[-1].range == f"bytes={held}-"


def test_a_damaged_start_is_not_built_upon(catwalk, models, body):
    """What an earlier download left was changed meanwhile: that is found by the hash, and the next try starts over."""
    with ModelServer(body, stall_at=1_000_000) as server:
        process = catwalk.begin(*pull(server.url, hash_of(body)))
        (part,) = wait_until(lambda: [p for p in models.glob(".*.part") if p.stat().st_size == 1_000_000], 30)
        process.kill()
        with open(part, "r+b") as file:
            file.seek(1000)
            file.write(b"damaged")
        server.release()
        done = catwalk(*pull(server.url, hash_of(body)))
        assert done.code == 1, done
        assert "again" in done.err
        assert catwalk(*pull(server.url, hash_of(body))).code == 0
        assert server.gets[-1].range is None


def test_without_a_network_it_says_so_at_once(catwalk, models):
    url = f"http://127.0.0.1:{free_port()}/ViT-B-32.pt"
    done = catwalk(*pull(url, "0" * 64))
    assert done.code == 1, done
    assert done.seconds < 10
    assert url in done.err
    assert "refused" in done.err.lower() or "connect" in done.err.lower()
    assert "catwalk model import" in done.err, "what to do without a network"
    assert listed(catwalk) == {}


def test_a_server_that_never_answers_is_given_up(catwalk, models):
    with SilentServer() as server:
        done = catwalk(*pull(server.url, "0" * 64, "--connect-timeout", "2s"))
    assert done.code == 1, done
    assert 1.5 < done.seconds < 10
    assert server.url in done.err
    assert "catwalk model import" in done.err
    assert listed(catwalk) == {}


def test_a_server_that_lacks_the_file(catwalk, models):
    with ModelServer(None) as server:
        done = catwalk(*pull(server.url, "0" * 64))
    assert done.code == 1, done
    assert "404" in done.err and server.url in done.err
    assert len(server.gets) == 1, "asking again changes nothing"


def test_what_is_downloaded_must_be_a_model(catwalk, models):
    page = b"<!doctype html><title>Sign in</title>" * 100
    with ModelServer(page) as server:
        done = catwalk(*pull(server.url, hash_of(page)))
    assert done.code == 1, done
    assert "no known format" in done.err
    assert listed(catwalk) == {}
