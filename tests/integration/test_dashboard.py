"""The dashboard in Debian's Chromium (tests/browser), against the daemon, the demo shop and a real Postgres."""

import http.server
import shutil
import subprocess
import threading

import pytest
import yaml

from tests.support.catwalk_binary import ROOT, Catwalk, environment, free_port, wait_until
from tests.support.daemon_door import IDLE
from tests.support.small_clip import write_clip_with_words

BROWSER_TESTS = ROOT / "tests" / "browser"
PRODUCTS = 60
# A few titles, always the same ones: the app that owns the table does not want them.
REFUSING = """
    create function public.refuse() returns trigger language plpgsql as $$
    begin
      if abs(hashtext(new.title)) % 8 = 0 then raise exception 'the app does not want “%”', new.title; end if;
      return new;
    end $$;
    create trigger refuse before insert or update on products for each row execute function refuse();"""


class Stage:
    """What the browser's tests meet: shop, sink, daemon. They ask for a change of scene by POST /ACTION."""

    def __init__(self, folder, supabase):
        self.folder, self.supabase = folder, supabase
        self.runner = Catwalk(folder)
        self.port = free_port()
        self.shop = self.runner.begin(
            "demo", "--shop-only", "--products", PRODUCTS, "--write-sites", folder / "sites.yaml"
        )
        self.shop_url = wait_until(lambda: self.shop.out.strip(), 30)
        (folder / "clip").mkdir()
        write_clip_with_words(folder / "clip")
        (folder / "key").write_text(supabase.key)
        settings = {
            "state": {"dir": str(folder / "state"), "min_free": "1MB"},
            "http": {"listen": f"127.0.0.1:{self.port}"},
            "schedule": IDLE,
            "fetch": {"allow_private_addresses": True, "pages": {"delay": "200ms"}},
            "embed": {"model": "small", "threads": 1},
            "sink": {"kind": "supabase", "url": supabase.url, "key": {"file": str(folder / "key")}},
        }
        (folder / "catwalk.yaml").write_text(yaml.safe_dump(settings))
        imported = self.runner("model", "import", folder / "clip", "--name", "small")
        assert imported.code == 0, imported
        supabase.control("sql", sql=REFUSING)
        self.start()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def start(self):
        self.daemon = self.runner.daemon(self.port)
        wait_until(lambda: self.daemon.get("/-/ready")[0] == 200, message="the daemon is not ready")

    def stop(self):
        assert self.daemon.terminate() == 0, self.daemon.err

    def accept(self):
        """The sink takes what it refused."""
        self.supabase.control("sql", sql="drop trigger if exists refuse on products")

    @property
    def surroundings(self):
        return environment() | {
            "CATWALK_TEST_URL": f"http://127.0.0.1:{self.port}/",
            "CATWALK_TEST_TOKEN": (self.folder / "state" / "http.token").read_text().strip(),
            "CATWALK_TEST_SHOP": self.shop_url,
            "CATWALK_TEST_STAGE": f"http://127.0.0.1:{self.server.server_port}/",
        }

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.runner.stop_all()

    def _handler(self):
        actions = {"/start": self.start, "/stop": self.stop, "/accept": self.accept}

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                try:
                    actions[self.path]()
                except Exception as error:  # the browser's test fails with it
                    self.send_error(500, str(error).splitlines()[0])
                    return
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        return Handler


@pytest.fixture(scope="module")
def stage(tmp_path_factory, contract_server):
    for program in ("node", "chromium"):
        if shutil.which(program) is None:
            pytest.skip(f"there is no {program}: scripts/setup --test installs it where Debian has it")
    if not (ROOT / "build" / "browser" / "node_modules").is_dir():
        pytest.skip("playwright-core and axe-core are not there: scripts/setup --test installs them from npm")
    contract_server.reset()
    contract_server.create_table("catwalk")
    built = Stage(tmp_path_factory.mktemp("stage"), contract_server)
    yield built
    built.close()


@pytest.mark.parametrize("name", ["session", "run", "catalogue", "sites", "accessibility", "failures", "restart"])
def test_in_the_browser(stage, name):
    file = BROWSER_TESTS / f"{name}.test.mjs"
    done = subprocess.run(
        ["node", "--test", "--test-reporter=spec", file],
        env=stage.surroundings,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{stage.daemon.err[-3000:]}"
    print(done.stdout)
