"""The whole pipeline: a shop on loopback to rows and vectors in SQLite, beside `catwalk embed` over the same pictures;
and how long a person's picture takes at `/embed` while such a run is under way."""

import contextlib
import http.client
import io
import json
import os
import pathlib
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
CATWALK = ROOT / "build" / "release" / "catwalk"
SHOP = pathlib.Path(__file__).resolve().parent / "picture_shop.py"
FEW, MANY = 200, 1_400
# More than a run gets through while the queries are asked.
ENDLESS = 100_000
QUERIES, QUERY_PAUSE = 200, 0.05
PHONE = (3000, 4000)


def cpu_seconds_of(pid):
    """User and system time of a living process, in seconds."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_bytes_of(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"/proc/{pid}/status has no VmHWM")


@contextlib.contextmanager
def shop(products, pictures):
    """(address, process id) of a shop with so many products."""
    command = [sys.executable, SHOP, str(products), *map(str, pictures)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield process.stdout.readline().strip(), process.pid
    finally:
        process.stdin.close()
        process.wait(10)


def configure(folder, model, origin, port=0):
    """A working folder with an empty state. Without a sink: rows and vectors stay in SQLite."""
    shutil.rmtree(folder / "state", ignore_errors=True)
    (folder / "catwalk.yaml").write_text(
        f"state: {{dir: {folder / 'state'}}}\n"
        f"http: {{listen: '127.0.0.1:{port}'}}\n"
        "fetch: {allow_private_addresses: true, robots: false, pages: {delay: 0s}}\n"
        f"embed: {{model: {model.name}, models_dir: {model.parent}, precision: bf16}}\n"
        "log: {level: warn}\n"
    )
    (folder / "sites.yaml").write_text(f"- brand: Acme\n  currency: EUR\n  shopify: {origin}\n")


def timed(command, **options):
    """(wall seconds, CPU seconds, peak bytes) of a command that has to succeed."""
    begun = time.perf_counter()
    command = [str(c) for c in command]
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=said, **options)
        peak = 0
        # Not rusage's, which begins with this process's own size.
        while not (ended := os.wait4(process.pid, os.WNOHANG))[0]:
            with contextlib.suppress(OSError, RuntimeError):
                peak = max(peak, peak_bytes_of(process.pid))
            time.sleep(0.01)
        wall, (_, status, used) = time.perf_counter() - begun, ended
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            words = said.read().decode().strip()
            raise RuntimeError(f"catwalk {command[1]} ended with {process.returncode}: {words}")
    return wall, used.ru_utime + used.ru_stime, peak


def scraped(model, products, pictures, folder):
    """(wall seconds, CPU seconds, the shop's CPU seconds) of `catwalk scrape` of so many products."""
    with shop(products, pictures) as (origin, pid):
        configure(folder, model, origin)
        before = cpu_seconds_of(pid)
        wall, cpu, _ = timed([CATWALK, "scrape", "--allow-untrained"], cwd=folder)
        return wall, cpu, cpu_seconds_of(pid) - before


def embedded(count, files, folder):
    """The same of `catwalk embed` over as many pictures, in the same folder."""
    wall, cpu, _ = timed([CATWALK, "embed", *(files * (count // len(files) + 1))[:count]], cwd=folder)
    return wall, cpu, 0.0


def cost(few, many):
    """(images per second of the cores that were left by the shop, CPU seconds per image); what starting costs is out."""
    wall, cpu, shop_cpu = (long - short for short, long in zip(few, many))
    images = MANY - FEW
    return images / (wall - shop_cpu / os.cpu_count()), cpu / images


def measure(model, pictures, rounds):
    """Both in turn; catwalk's rates without the shop's share of the cores."""
    taken = {"pipeline": [], "embed": []}
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        scraped(model, FEW, pictures, folder)
        for _ in range(rounds):
            taken["pipeline"].append(cost(*(scraped(model, n, pictures, folder) for n in (FEW, MANY))))
            taken["embed"].append(cost(*(embedded(n, pictures, folder) for n in (FEW, MANY))))
    return {
        side: {
            "images_per_second": statistics.median(s[0] for s in samples),
            "cpu_seconds_per_image": statistics.median(s[1] for s in samples),
        }
        for side, samples in taken.items()
    }


def show(result):
    for side, name in (("pipeline", "shop to SQLite, bf16"), ("embed", "catwalk embed, bf16")):
        rate, cpu = result[side]["images_per_second"], result[side]["cpu_seconds_per_image"]
        print(f"{'shop':<6}{'':>6}  {name:<22}{rate:>9.1f}{1000 * cpu:>9.1f}")
    ratio = result["pipeline"]["images_per_second"] / result["embed"]["images_per_second"]
    print(f"{'':>12}  rate {ratio:.2f} times", flush=True)


def phone_photo(picture):
    """A picture as a phone takes it: 12 megapixels of JPEG."""
    from PIL import Image

    file = io.BytesIO()
    Image.open(picture).resize(PHONE, Image.Resampling.BICUBIC).save(file, "JPEG", quality=90)
    return file.getvalue()


class Daemon:
    """`catwalk run` in a folder, asked over one connection."""

    def __init__(self, folder):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.folder, self.process = folder, None

    def start(self):
        with open(self.folder / "said", "wb") as said:
            self.process = subprocess.Popen([CATWALK, "run"], stdout=said, stderr=said, cwd=self.folder)
        self.until(lambda: self.ask("GET", "/-/ready")[0] == 200)

    def ask(self, method, path, body=None, kind="application/json"):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            token = self.folder / "state" / "http.token"
            headers = {"Content-Type": kind}
            if token.exists():
                headers["Authorization"] = f"Bearer {token.read_text().strip()}"
            connection.request(method, path, body=body, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def until(self, condition, seconds=120):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise RuntimeError(f"the daemon ended with {self.process.returncode}: {(self.folder / 'said').read_text()}")
            with contextlib.suppress(OSError):
                if condition():
                    return
            time.sleep(0.1)
        raise RuntimeError(f"the daemon did not come so far: {(self.folder / 'said').read_text()}")

    def embedded(self):
        return json.loads(self.ask("GET", "/health")[1])["images"]["embedded"]

    def end(self):
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(60)


def upload(photo):
    """(body, content type) of a form with the photo."""
    head = b'--b\r\nContent-Disposition: form-data; name="image"; filename="p.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
    return head + photo + b"\r\n--b--\r\n", "multipart/form-data; boundary=b"


def measure_queries(model, pictures):
    """A phone's photos to `/embed`, one after the other, while the daemon embeds a shop without end."""
    body, kind = upload(phone_photo(pictures[0]))
    with tempfile.TemporaryDirectory() as name, shop(ENDLESS, pictures) as (origin, _):
        daemon = Daemon(pathlib.Path(name))
        configure(daemon.folder, model, origin, daemon.port)
        try:
            daemon.start()
            status, said = daemon.ask("POST", "/api/v1/sites/acme/run")
            if status != 202:
                raise RuntimeError(f"the run was not started: {status} {said}")
            daemon.until(lambda: daemon.embedded() > 100)
            begun, before, seconds = time.perf_counter(), daemon.embedded(), []
            for _ in range(QUERIES):
                asked = time.perf_counter()
                status, said = daemon.ask("POST", "/embed", body, kind)
                if status != 200:
                    raise RuntimeError(f"/embed answered {status}: {said}")
                seconds.append(time.perf_counter() - asked)
                time.sleep(QUERY_PAUSE)
            bulk = (daemon.embedded() - before - QUERIES) / (time.perf_counter() - begun)
            peak = peak_bytes_of(daemon.process.pid)
        finally:
            daemon.end()
    return {
        "photo_bytes": len(body),
        "queries": QUERIES,
        "median_seconds": statistics.median(seconds),
        "p95_seconds": statistics.quantiles(seconds, n=20)[-1],
        "bulk_images_per_second": bulk,
        "peak_bytes": peak,
    }


def show_queries(result):
    print(
        f"query, a phone's photo of {result['photo_bytes'] / 1e6:.1f} MB during a run: median "
        f"{1000 * result['median_seconds']:.0f} ms, p95 {1000 * result['p95_seconds']:.0f} ms; the run meanwhile "
        f"{result['bulk_images_per_second']:.0f} images/s; the daemon at most {result['peak_bytes'] / 1e6:.0f} MB",
        flush=True,
    )
