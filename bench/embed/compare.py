"""catwalk's embedding beside the libraries that people would use instead: `scripts/bench embed`.

Everything is measured in turn, round by round, so that all see the same machine; medians are shown. Rounds in which a
side's CPU time per image is more than 5 % off its own median are discarded and counted. Prints tables, writes JSON.
"""

import argparse
import contextlib
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys

import peers
import pipeline
from model import write_model, write_pictures

ROOT = pathlib.Path(__file__).resolve().parents[2]
RELEASE = ROOT / "build" / "release"
FORWARD = {
    "bf16": [("OpenVINO", peers.OpenVino), ("transformers", peers.Transformers)],
    "fp32": [("OpenVINO", peers.OpenVino), ("ONNX Runtime", peers.OnnxRuntime), ("transformers", peers.Transformers)],
    "int8": [("OpenVINO", peers.OpenVino), ("ONNX Runtime", peers.OnnxRuntime)],
}
PARTS = ["forward", "avx2", "jpeg", "pipeline", "query"]
OFF_BY = 0.05
# What a cheap VPS has. Left out there is what cannot be held to it: ONNX Runtime, and OpenVINO in fp32, whose
# multiplication is ONNX Runtime's (MLAS) and chooses AVX-512 whatever these say.
AVX2 = {"ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_ENABLE_INSTRUCTIONS": "AVX2", "ATEN_CPU_CAPABILITY": "avx2"}
CAPPED = {"fp32": [("transformers", peers.Transformers)], "int8": [("OpenVINO", peers.OpenVino)]}


class Catwalk:
    """The forward pass in bench/embed/forward_bench, a process a round."""

    def __init__(self, model, precision, threads=1):
        self.model, self.precision, self.threads, self.workers = model, precision, threads, 2 // threads

    def rate(self, batch, seconds):
        command = [RELEASE / "bench" / "forward_bench", self.model, self.precision, self.workers, self.threads]
        line = run([*command, seconds, batch])
        answer = json.loads(line)
        return answer["images_per_second"], answer["cpu_seconds_per_image"]

    def end(self):
        pass


def run(command, **options):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, check=False, **options)
    if done.returncode:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def steady(samples):
    """The samples whose CPU time is near the median's, and how many are not. A sample is (rate, CPU seconds, …)."""
    middle = statistics.median_low(s[1] for s in samples)
    kept = [s for s in samples if abs(s[1] - middle) <= OFF_BY * middle]
    return kept, len(samples) - len(kept)


def summary(samples):
    kept, discarded = steady(samples)
    return {
        "images_per_second": statistics.median(s[0] for s in kept),
        "cpu_seconds_per_image": statistics.median(s[1] for s in kept),
        "rounds": len(kept),
        "discarded": discarded,
    }


def sides_of(precision, folder, model, peer_kinds):
    """(name, side) of all that can be taken here; two ways of using two cores each."""
    sides, missing = [], []
    for name, make in [("catwalk", None), *peer_kinds]:
        for threads in (1, 2):
            try:
                side = (
                    Catwalk(model, precision, threads)
                    if make is None
                    else peers.Resident(make, folder, precision, threads)
                )
                side.rate(1, 0.01)
                sides.append((name, threads, side))
            except RuntimeError as failure:
                missing.append((name, str(failure).splitlines()[0]))
                break
    return sides, missing


def forward(precision, folder, model, batches, rounds, seconds, cap=""):
    """The rows of one precision; `cap` is "" or "avx2", by which the environment of every side is set."""
    sides, missing = sides_of(precision, folder, model, CAPPED[precision] if cap else FORWARD[precision])
    rows = []
    try:
        for batch in batches:
            samples = {}
            for _ in range(rounds):
                for name, threads, side in sides:
                    samples.setdefault((name, threads), []).append(side.rate(batch, seconds))
            best = {}
            for (name, threads), taken in samples.items():
                result = summary(taken) | {"threads": threads}
                if name not in best or result["images_per_second"] > best[name]["images_per_second"]:
                    best[name] = result
            rows.append({"precision": precision, "cap": cap, "batch": batch, "sides": best})
            show_forward(rows[-1])
    finally:
        for *_, side in sides:
            side.end()
    for name, why in missing:
        print(f"{precision:<6}{'':>6}  {name}: not taken: {why}", flush=True)
    return rows, [{"precision": precision, "side": n, "why": w} for n, w in missing]


@contextlib.contextmanager
def environment(values):
    """Sets variables for the processes that are started meanwhile."""
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def show_forward(row):
    ours = row["sides"].get("catwalk")
    for name, r in row["sides"].items():
        ratio = f"{ours['images_per_second'] / r['images_per_second']:.2f}" if ours and name != "catwalk" else ""
        print(
            f"{row['precision']:<6}{row['batch']:>6}  {name:<22}{r['images_per_second']:>9.1f}"
            f"{1000 * r['cpu_seconds_per_image']:>9.1f}{ratio:>8}{r['discarded']:>10}",
            flush=True,
        )


def embed_command(model, precision, files):
    """(wall seconds, CPU seconds, peak bytes) of `catwalk embed` over the files, its start included."""
    command = [RELEASE / "catwalk", "embed", *files, "--model", model.name, "--precision", precision]
    places = {"CATWALK_STATE_DIR": str(model.parents[1]), "CATWALK_EMBED_MODELS_DIR": str(model.parent)}
    return pipeline.timed(command, env=os.environ | places)


def whole(precision, folder, model, pictures, rounds):
    """JPEG files to vectors. catwalk's start is taken out by the difference between many files and few."""
    few, many = pictures[: len(pictures) // 8], pictures
    other = peers.Resident(peers.SentenceTransformers, folder, "fp32", 2)
    ours, theirs, memory, their_memory = [], [], 0, 0
    try:
        other.encode(few, 32)
        for _ in range(rounds):
            short, long = embed_command(model, precision, few), embed_command(model, precision, many)
            images = len(many) - len(few)
            ours.append((images / (long[0] - short[0]), (long[1] - short[1]) / images))
            memory = max(memory, long[2])
            rate, cpu, their_memory = other.encode(many, 32)
            theirs.append((rate, cpu))
    finally:
        other.end()
    return {
        "precision": precision,
        "catwalk": summary(ours) | {"peak_bytes": memory},
        "sentence-transformers": summary(theirs) | {"peak_bytes": their_memory},
    }


def show_whole(row):
    ours, theirs = row["catwalk"], row["sentence-transformers"]
    for name, r in (("catwalk embed, " + row["precision"], ours), ("sentence-transformers", theirs)):
        print(
            f"{'JPEG':<6}{'':>6}  {name:<22}{r['images_per_second']:>9.1f}{1000 * r['cpu_seconds_per_image']:>9.1f}"
            f"{'':>8}{r['discarded']:>10}   {r['peak_bytes'] / 1e6:.0f} MB"
        )
    print(
        f"{'':>12}  rate {ours['images_per_second'] / theirs['images_per_second']:.2f} times, "
        f"memory {ours['peak_bytes'] / theirs['peak_bytes']:.2f} times",
        flush=True,
    )


def processor():
    for line in open("/proc/cpuinfo", encoding="utf-8"):
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def forward_rows(result, precisions, cap, folder, model, options):
    for precision in precisions:
        rows, missing = forward(precision, folder, model, options.batch, options.rounds, options.seconds, cap)
        result["forward"] += rows
        result["not_taken"] += missing


def jpeg_rows(result, precisions, folder, model, pictures, options):
    for precision in precisions:
        try:
            row = whole(precision, folder, model, pictures, options.rounds)
        except RuntimeError as failure:
            print(f"JPEG  {precision}: not taken: {str(failure).splitlines()[0]}")
            result["not_taken"].append({"precision": precision, "side": "JPEG", "why": str(failure)})
            continue
        show_whole(row)
        result["whole"].append(row)


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench embed", description=__doc__)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--precision", nargs="+", choices=list(FORWARD), default=list(FORWARD))
    parser.add_argument("--batch", nargs="+", type=int, default=[1, 8, 32, 64])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--pictures", type=int, default=320)
    parser.add_argument("--output", type=pathlib.Path, default=ROOT / "build" / "bench" / "embed.json")
    options = parser.parse_args()

    work = ROOT / "build" / "bench" / "embed"
    folder = write_model(work / "hf")
    model = work / "models" / "bench"
    if not model.exists():
        run(
            [RELEASE / "catwalk", "model", "import", folder, "--name", "bench"],
            env=os.environ | {"CATWALK_STATE_DIR": str(work), "CATWALK_EMBED_MODELS_DIR": str(work / "models")},
        )
    print(f"{processor()}, {os.cpu_count()} cores; ViT-B/32, seeded weights; median of {options.rounds} rounds\n")
    print(f"{'':<6}{'batch':>6}  {'':<22}{'images/s':>9}{'CPU ms':>9}{'ratio':>8}{'discarded':>10}")
    result = {"cpu": processor(), "cores": os.cpu_count(), "forward": [], "not_taken": [], "whole": []}
    if "forward" in options.parts:
        forward_rows(result, options.precision, "", folder, model, options)
    if "avx2" in options.parts:
        print("all held to AVX2:", flush=True)
        with environment(AVX2):
            forward_rows(result, [p for p in options.precision if p in CAPPED], "avx2", folder, model, options)
    pictures = write_pictures(work / "pictures", options.pictures)
    if "jpeg" in options.parts:
        jpeg_rows(result, [p for p in options.precision if p != "int8"], folder, model, pictures, options)
    if "pipeline" in options.parts:
        result["pipeline"] = pipeline.measure(model, pictures, options.rounds)
        pipeline.show(result["pipeline"])
    if "query" in options.parts:
        result["query"] = pipeline.measure_queries(model, pictures)
        pipeline.show_queries(result["query"])
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(result, indent=1) + "\n")
    print(f"\nwritten to {options.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
