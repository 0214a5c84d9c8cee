"""`POST /embed`, `POST /v1/embeddings`, `GET /v1/models`: a person's picture to its vector."""

import base64
import concurrent.futures
import http.client
import io
import json
import struct
import time

import numpy as np
import pytest
from PIL import Image

from tests.support.catwalk_binary import free_port, wait_until
from tests.support.daemon_door import IDLE, Daemon
from tests.support.network_namespace import NetworkNamespace
from tests.support.picture_server import PictureServer
from tests.support.word_model import write_word_model
from tests.support.zara_shop import ZaraShop


def drawing(number, size=(320, 260)):
    random = np.random.default_rng(number)
    rough = Image.fromarray(random.integers(0, 256, (4, 5, 3), dtype=np.uint8))
    return rough.resize(size, Image.Resampling.BICUBIC)


def png(picture, orientation=None):
    buffer = io.BytesIO()
    exif = Image.Exif()
    if orientation:
        exif[0x0112] = orientation
    picture.save(buffer, "PNG", **({"exif": exif} if orientation else {}))
    return buffer.getvalue()


PICTURE = png(drawing(1))


@pytest.fixture
def pictures():
    with PictureServer({"/a.png": PICTURE, "/page": b"<html>no</html>"}) as server:
        server.redirects["/moved.png"] = "/a.png"
        yield server


@pytest.fixture
def start(catwalk, configure, workdir):
    def begin(sites="[]\n", **settings):
        settings.setdefault("schedule", IDLE)
        settings["embed"] = {"precision": "fp32", **settings.get("embed", {})}
        values = configure(sites=sites, **settings)
        daemon = Daemon(catwalk.daemon(values["port"]), workdir / "state")
        wait_until(lambda: daemon.ask("GET", "/-/ready")[0] == 200, message="the model did not load")
        return daemon

    return begin


def form(boundary="b0undary", **fields):
    body = b""
    for name, value in fields.items():
        extra = '; filename="p.png"\r\nContent-Type: image/png' if isinstance(value, bytes) else ""
        value = value if isinstance(value, bytes) else str(value).encode()
        body += f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{extra}\r\n\r\n'.encode()
        body += value + b"\r\n"
    return body + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


def ask(daemon, body, path="/embed", token=True, **headers):
    if isinstance(body, dict):
        body = json.dumps(body)
    if token:
        headers["Authorization"] = f"Bearer {daemon.token}"
    status, answer_headers, text = daemon.ask("POST", path, body, **headers)
    return status, (json.loads(text) if text.startswith("{") else text), answer_headers


def vector(answer):
    status, body, _ = answer
    assert status == 200, body
    found = np.array(body["embedding"], dtype=np.float32)
    assert found.shape == (512,)
    assert abs(np.linalg.norm(found) - 1) < 1e-5
    return found


def test_every_way_in_gives_the_vector_that_the_command_gives(catwalk, start, pictures, workdir):
    daemon = start()
    (workdir / "a.png").write_bytes(PICTURE)
    command = catwalk("embed", "--precision", "fp32", "a.png")
    expected = np.array(json.loads(command.out)["embedding"], dtype=np.float32)
    text = base64.b64encode(PICTURE).decode()
    by_form, kind = form(image=PICTURE)
    answers = {
        "url": ask(daemon, {"image": f"{pictures.url}/a.png", "type": "url"}),
        "base64": ask(daemon, {"image": text, "type": "base64"}),
        "data": ask(daemon, {"image": f"data:image/png;base64,{text}", "type": "base64"}),
        "form": ask(daemon, by_form, Content_Type=kind),
        "redirect": ask(daemon, {"image": f"{pictures.url}/moved.png", "type": "url"}),
    }
    for name, answer in answers.items():
        assert vector(answer) @ expected > 0.999999, name
        assert answer[1]["model"] == "untrained" and answer[1]["untrained"] is True
    assert "Mozilla" in pictures.seen[0][1]["User-Agent"]


def test_a_phones_rotation_and_a_crop(start):
    daemon = start()
    upright, other = drawing(3, (300, 500)), drawing(4, (300, 500))
    expected = vector(ask(daemon, {"image": base64.b64encode(png(upright)).decode(), "type": "base64"}))
    turned = png(upright.transpose(Image.Transpose.ROTATE_90), orientation=6)
    text = base64.b64encode(turned).decode()
    assert vector(ask(daemon, {"image": text, "type": "base64"})) @ expected > 0.999999
    as_stored = vector(ask(daemon, {"image": text, "type": "base64", "exif": False}))
    assert as_stored @ expected < 0.999
    body, kind = form(image=turned, exif="false")
    assert vector(ask(daemon, body, Content_Type=kind)) @ as_stored > 0.999999

    both = Image.new("RGB", (600, 500))
    both.paste(other, (0, 0))
    both.paste(upright, (300, 0))
    body, kind = form(image=png(both), crop="300,0,300,500")
    assert vector(ask(daemon, body, Content_Type=kind)) @ expected > 0.999999
    text = base64.b64encode(png(both)).decode()
    cropped = {"image": text, "type": "base64", "crop": [300, 0, 300, 500]}
    assert vector(ask(daemon, cropped)) @ expected > 0.999999
    status, answer, _ = ask(daemon, {**cropped, "crop": [600, 0, 1, 1]})
    assert (status, answer["error"]["code"]) == (400, "invalid_argument")
    assert "600x500" in answer["error"]["message"]


def test_what_is_wrong_is_said_by_status_and_words(start, pictures):
    daemon = start()
    broken = base64.b64encode(PICTURE[:2000]).decode()
    cases = [
        ({"image": f"{pictures.url}/none.png", "type": "url"}, 502, "http_status", "404"),
        ({"image": f"{pictures.url}/page", "type": "url"}, 422, "not_an_image", "HTML"),
        ({"image": "http://127.0.0.1:1/a.png", "type": "url"}, 502, "network", "127.0.0.1:1"),
        ({"image": broken, "type": "base64"}, 422, "broken_image", ""),
        ({"image": "!", "type": "base64"}, 400, "invalid_argument", "base64"),
        ({"picture": "x"}, 400, "invalid_argument", "no image"),
        ("nonsense", 400, "malformed", "JSON"),
    ]
    for body, status, code, says in cases:
        got, answer, _ = ask(daemon, body)
        assert (got, answer["error"]["code"]) == (status, code), answer
        assert says in answer["error"]["message"], answer


def test_private_addresses_are_not_fetched(start, pictures):
    daemon = start(fetch={"allow_private_addresses": False})
    pictures.redirects["/out"] = "http://169.254.169.254/latest/meta-data"
    for address in (f"{pictures.url}/a.png", "http://localhost:1/", "http://[::ffff:127.0.0.1]/", "http://0177.1/"):
        status, answer, _ = ask(daemon, {"image": address, "type": "url"})
        assert (status, answer["error"]["code"]) == (403, "refused_address"), answer
    assert pictures.seen == []


def test_too_many_at_once_are_told_to_come_back(start, pictures):
    daemon = start()
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        held = {"image": f"{pictures.url}/held/a.png", "type": "url"}
        waiting = [pool.submit(ask, daemon, held) for _ in range(16)]
        wait_until(lambda: len(pictures.seen) == 16, message="the sixteen did not come")
        status, answer, headers = ask(daemon, {"image": f"{pictures.url}/a.png", "type": "url"})
        assert (status, answer["error"]["code"]) == (429, "queue_full")
        assert int(headers["Retry-After"]) >= 1
        assert daemon.ask("GET", "/-/healthy")[0] == 200
        pictures.release()
        assert all(done.result()[0] == 200 for done in waiting)
    assert ask(daemon, {"image": f"{pictures.url}/a.png", "type": "url"})[0] == 200


def site_of(server):
    return (
        "- brand: Own\n  api:\n    endpoint: " + server.url.replace("127.0.0.1", "localhost") + "/products\n"
        "    items_path: items\n    field_map: { external_id: id, image_url: image, price: price }\n"
    )


def test_public_embedding_is_uploads_and_the_sites_own_hosts(start, pictures):
    """Without the token: the sites' hosts, no redirects away from them, one client at a time at its rate."""
    daemon = start(sites=site_of(pictures), http={"embed_public": True})
    own = pictures.url.replace("127.0.0.1", "localhost")
    assert vector(ask(daemon, {"image": f"{own}/a.png", "type": "url"}, token=False)) is not None
    status, answer, _ = ask(daemon, {"image": f"{pictures.url}/a.png", "type": "url"}, token=False)
    assert (status, answer["error"]["code"]) == (403, "refused_address"), answer
    pictures.redirects["/away"] = f"{pictures.url}/a.png"
    before = len(pictures.seen)
    assert ask(daemon, {"image": f"{own}/away", "type": "url"}, token=False)[0] == 502
    assert len(pictures.seen) == before + 1
    body, kind = form(image=PICTURE)
    assert vector(ask(daemon, body, token=False, Content_Type=kind)) is not None
    assert vector(ask(daemon, {"image": f"{pictures.url}/a.png", "type": "url"})) is not None
    assert ask(daemon, {"input": "x"}, path="/v1/embeddings", token=False)[0] == 401

    statuses = [ask(daemon, {}, token=False)[0] for _ in range(40)]
    assert statuses.count(429) >= 15 and set(statuses) == {400, 429}
    status, _, headers = ask(daemon, {}, token=False)
    assert status == 429 and int(headers["Retry-After"]) >= 1
    assert ask(daemon, {}, token=False, X_Forwarded_For="198.51.100.7")[0] == 400
    assert ask(daemon, {"image": f"{own}/a.png", "type": "url"})[0] == 200


@pytest.mark.skipif(bool(NetworkNamespace.unavailable()), reason=str(NetworkNamespace.unavailable()))
def test_who_asked_is_believed_of_a_proxy_on_this_machine_alone(catwalk, configure):
    """From another machine, X-Forwarded-For is whatever the client likes: each one counts by its own address."""
    proxied, elsewhere = "127.0.0.1", "192.0.2.1"
    with NetworkNamespace(f"{elsewhere}/32") as net:
        listen = f"0.0.0.0:{net.run(free_port)}"
        http_settings = {"listen": listen, "embed_public": True, "hosts": [elsewhere]}
        values = configure(sites="[]\n", schedule=IDLE, http=http_settings)
        daemon = net.run(catwalk.daemon, values["port"])

        def status(host, client):
            connection = http.client.HTTPConnection(host, values["port"], timeout=10)
            try:
                connection.request("POST", "/embed", "{}", {"X-Forwarded-For": client})
                assert connection.sock.getpeername()[0] == connection.sock.getsockname()[0] == host
                return connection.getresponse().status
            finally:
                connection.close()

        def statuses(host, clients):
            return [net.run(status, host, client) for client in clients]

        many = [f"198.51.100.{number}" for number in range(40)]
        assert set(statuses(proxied, many)) == {400}
        from_elsewhere = statuses(elsewhere, many)
        assert set(from_elsewhere) == {400, 429} and from_elsewhere.count(429) >= 15
        assert statuses(elsewhere, ["127.0.0.1", "198.51.100.200, 127.0.0.1"]) == [429, 429]
        # The proxy's own entry is the last; what stands before it came from its client.
        by_the_proxy = statuses(proxied, [f"203.0.113.{number}, 198.51.100.77" for number in range(40)])
        assert by_the_proxy.count(429) >= 15
        assert daemon.terminate() == 0


def test_openais_shape(start, pictures):
    daemon = start()
    text = base64.b64encode(PICTURE).decode()
    expected = vector(ask(daemon, {"image": text, "type": "base64", "exif": False}))
    bearer = f"Bearer {daemon.token}"
    status, _, listed = daemon.ask("GET", "/v1/models", Authorization=bearer)
    model = json.loads(listed)["data"][0]
    assert status == 200
    assert (model["id"], model["object"], model["dimensions"]) == ("untrained", "model", 512)

    def embeddings(**body):
        return ask(daemon, body, path="/v1/embeddings")

    data = f"data:image/png;base64,{text}"
    status, answer, _ = embeddings(model="untrained", input=[data, data])
    assert status == 200, answer
    assert [one["index"] for one in answer["data"]] == [0, 1]
    assert answer["object"] == "list" and answer["model"] == "untrained"
    assert all(np.array(one["embedding"]) @ expected > 0.999999 for one in answer["data"])
    status, answer, _ = embeddings(input=f"{pictures.url}/a.png", modality="image", encoding_format="base64")
    assert status == 200, answer
    packed = base64.b64decode(answer["data"][0]["embedding"])
    assert np.array(struct.unpack("<512f", packed)) @ expected > 0.999999
    for body, status in (
        ({"input": []}, 400),
        ({"input": [1]}, 400),
        ({}, 400),
        ({"input": [data] * 65}, 400),
        ({"input": data, "model": "text-embedding-3-small"}, 404),
        ({"input": data, "dimensions": 256}, 400),
        ({"input": data, "encoding_format": "hex"}, 400),
        ({"input": data, "modality": "sound"}, 400),
    ):
        got, answer, _ = embeddings(**body)
        assert got == status, (body, answer)
        assert answer["error"]["message"]


def test_texts_in_openais_shape(catwalk, start, workdir, tmp_path):
    """The vectors of the command, whatever way they are asked for."""
    models = workdir / "own-models"
    (tmp_path / "hub").mkdir()
    start_with = {"models_dir": str(models), "model": "words"}
    (workdir / "import.yaml").write_text(json.dumps({"state": {"dir": str(workdir / "other")}, "embed": start_with}))
    imported = catwalk("--config", "import.yaml", "model", "import", str(write_word_model(tmp_path / "hub")), "--name", "words")
    assert imported.code == 0, imported
    daemon = start(embed=start_with)
    texts = ["a red coat", "coat", "a red coat"]
    command = catwalk("embed", "--precision", "fp32", "--text", texts[0], "--text", texts[1])
    expected = [np.array(json.loads(line)["embedding"]) for line in command.out.splitlines()]

    def embeddings(**body):
        return ask(daemon, body, path="/v1/embeddings")

    status, answer, _ = embeddings(input=texts, model="words")
    assert status == 200, answer
    found = [np.array(one["embedding"]) for one in answer["data"]]
    assert found[0] @ expected[0] > 0.999999 and found[1] @ expected[1] > 0.999999
    assert np.array_equal(found[0], found[2]) and found[0] @ found[1] < 0.9999
    # a, red, coat and the two marks, twice; coat and the two marks.
    assert answer["usage"] == {"prompt_tokens": 13, "total_tokens": 13}
    status, answer, _ = embeddings(input=texts[0], modality="text", encoding_format="base64")
    packed = base64.b64decode(answer["data"][0]["embedding"])
    assert np.array(struct.unpack(f"<{len(packed) // 4}f", packed)) @ expected[0] > 0.999999
    status, answer, _ = embeddings(input="not base64!", modality="image")
    assert status == 400 and "base64" in answer["error"]["message"]
    listed = json.loads(daemon.ask("GET", "/v1/models", Authorization=f"Bearer {daemon.token}")[2])
    assert listed["data"][0]["modalities"] == ["image", "text"]


def test_a_model_without_text_says_so(start):
    daemon = start()
    status, answer, _ = ask(daemon, {"input": "a red coat"}, path="/v1/embeddings")
    assert status == 404 and "embeds no texts" in answer["error"]["message"], answer
    listed = json.loads(daemon.ask("GET", "/v1/models", Authorization=f"Bearer {daemon.token}")[2])
    assert listed["data"][0]["modalities"] == ["image"]


def test_a_person_does_not_wait_for_the_catalogue(catwalk, configure, workdir):
    """Queries during a bulk run: each is answered long before the run's pictures are worked off."""
    jobs = [{"name": "often", "cron": "* * * * *", "jitter": "0s"}]
    with ZaraShop(400, page_size=200) as shop:
        schedule = {"timezone": "UTC", "jobs": jobs}
        values = configure(shop, schedule=schedule, embed={"precision": "fp32", "threads": 1})
        daemon = Daemon(catwalk.daemon(values["port"]), workdir / "state")
        wait_until(lambda: daemon.ask("GET", "/-/ready")[0] == 200)
        text = base64.b64encode(PICTURE).decode()

        def seconds_of_a_query():
            begun = time.monotonic()
            vector(ask(daemon, {"image": text, "type": "base64"}))
            return time.monotonic() - begun

        def embedded():
            return json.loads(daemon.ask("GET", "/health")[2])["images"]["embedded"]

        begun_with = embedded()
        wait_until(lambda: embedded() > begun_with + 20, 90, "the run's pictures did not come")
        started, busy = time.monotonic(), []
        while embedded() < 380 and len(busy) < 30:
            busy.append(seconds_of_a_query())
        wait_until(lambda: embedded() >= 400 + len(busy), 120, "the run did not end")
        rest_of_the_run = time.monotonic() - started
        assert len(busy) >= 3, "the run was over before three queries came"
        print(f"during a run {np.median(busy) * 1000:.0f} ms of {len(busy)}, whose rest took {rest_of_the_run:.1f} s")
        # A bulk batch that is in flight is waited for, not the queue behind it.
        assert np.median(busy) < rest_of_the_run / 3
