"""What the dashboard's tests and screenshots need: the demo shop, a sink with its own mind, the daemon.

    build/venv/bin/python -m tests.support.browser_stage tests/browser/screenshots.mjs

puts it up and runs the script with it.
"""

import concurrent.futures
import http.server
import pathlib
import subprocess
import sys
import tempfile
import threading

import yaml

from .catwalk_binary import Catwalk, environment, free_port, wait_until
from .changing_shop import ChangingShop
from .contract_server import ContractServer
from .daemon_door import IDLE
from .word_model import write_word_model

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
        self.mira = self.open_mira()
        (folder / "clip").mkdir()
        # Large enough that pictures queue up before it, and a run is seen to get on.
        write_word_model(folder / "clip", patch_size=4, num_hidden_layers=20)
        (folder / "key").write_text(supabase.key)
        self.settings = {
            "state": {"dir": str(folder / "state"), "min_free": "1MB"},
            "http": {"listen": f"127.0.0.1:{self.port}"},
            "schedule": IDLE,
            "fetch": {"allow_private_addresses": True, "pages": {"delay": "200ms"}},
            "embed": {"model": "small", "threads": 1, "batch": 4},
            "sink": {"kind": "supabase", "url": supabase.url, "key": {"file": str(folder / "key")}},
        }
        self.write_settings()
        imported = self.runner("model", "import", folder / "clip", "--name", "small")
        assert imported.code == 0, imported
        supabase.control("sql", sql=REFUSING)
        # What a thread has started dies with that thread: this one lives as long as the stage.
        self.hands = concurrent.futures.ThreadPoolExecutor(max_workers=1)
        self.hands.submit(self.start).result()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def open_mira(self):
        """One of the demo's two shops is read by way of a shop that can change."""
        mira = ChangingShop(f"{self.shop_url}/mira/products.json?limit=250").__enter__()
        sites = yaml.safe_load((self.folder / "sites.yaml").read_text())
        [stanza] = [site for site in sites if site["brand"] == "Mira"]
        stanza["api"]["endpoints"] = mira.listings
        (self.folder / "sites.yaml").write_text(yaml.safe_dump(sites))
        return mira

    def write_settings(self):
        (self.folder / "catwalk.yaml").write_text(yaml.safe_dump(self.settings))

    def start(self):
        self.daemon = self.runner.daemon(self.port)
        wait_until(lambda: self.daemon.get("/-/ready")[0] == 200, message="the daemon is not ready")

    def stop(self):
        assert self.daemon.terminate() == 0, self.daemon.err

    def accept(self):
        """The sink takes what it refused."""
        self.supabase.control("sql", sql="drop trigger if exists refuse on products")

    def guard(self, is_on):
        """Another daemon, which refuses private addresses or does not."""
        self.stop()
        self.settings["fetch"]["allow_private_addresses"] = not is_on
        self.write_settings()
        self.start()

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
        self.mira.__exit__()
        self.hands.shutdown()

    def _handler(self):
        actions = {
            "/start": self.start,
            "/stop": self.stop,
            "/accept": self.accept,
            "/guard": lambda: self.guard(True),
            "/unguard": lambda: self.guard(False),
            "/season": self.mira.change_season,
            "/trouble": self.mira.make_trouble,
        }
        hands = self.hands

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                try:
                    hands.submit(actions[self.path]).result()
                except Exception as error:  # the browser's test fails with it
                    self.send_error(500, str(error).splitlines()[0])
                    return
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        return Handler


def main():
    with tempfile.TemporaryDirectory() as folder, ContractServer() as sink:
        sink.reset()
        sink.create_table("catwalk")
        stage = Stage(pathlib.Path(folder), sink)
        try:
            return subprocess.run(["node", *sys.argv[1:]], env=stage.surroundings, check=False).returncode
        finally:
            stage.close()


if __name__ == "__main__":
    sys.exit(main())
