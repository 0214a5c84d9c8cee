"""catwalk's embedding on a GPU beside transformers and sentence-transformers on the same one: `scripts/bench cuda`.

Everything is measured in turn, round by round; medians are shown. Prints tables, writes JSON.
"""

import argparse
import json
import os
import pathlib
import statistics
import sys
import time

import pipeline
import torch
from model import write_model, write_pictures

from compare import ROOT, run
from peers import DIM, SIZE, SentenceTransformers, vision_tower

TYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


class Catwalk:
    def __init__(self, binary, device, models):
        self.binary = binary
        self.environment = os.environ | {"CATWALK_STATE_DIR": str(models.parent), "CATWALK_EMBED_DEVICE": device,
                                         "CATWALK_EMBED_MODELS_DIR": str(models)}

    def rates(self, precision, batches, seconds):
        """Images a second by batch, forward passes alone, by the workers that it would have."""
        words = ["--precision", precision, "--batch", ",".join(map(str, batches))]
        words += ["--each", f"{round(1000 * seconds)}ms", "--json"]
        answer = json.loads(run([self.binary, "model", "bench", "bench", *words], env=self.environment))
        return {line["batch"]: line["images_per_second"] for line in answer["lines"]}

    def files(self, precision, files):
        """(wall seconds, CPU seconds, peak bytes) of `catwalk embed`, its start included."""
        command = [self.binary, "embed", *files, "--model", "bench", "--precision", precision]
        return pipeline.timed(command, env=self.environment)


@torch.inference_mode()
def peer_rate(tower, pixels, device, seconds):
    """Images a second from pinned memory to vectors in memory."""
    images, begun = 0, time.perf_counter()
    while time.perf_counter() - begun < seconds:
        assert tower(pixels.to(device, non_blocking=True)).cpu().shape[1] == DIM
        images += len(pixels)
    return images / (time.perf_counter() - begun)


def forward(ours, folder, device, options):
    rows = []
    for precision in options.precision:
        tower = vision_tower(folder).to(device, TYPES[precision])
        pixels = {b: torch.randn(b, 3, SIZE, SIZE, dtype=TYPES[precision]).pin_memory() for b in options.batch}
        for batch in options.batch:
            peer_rate(tower, pixels[batch], device, 0.1)
        ours_taken, theirs_taken = [], []
        for _ in range(options.rounds):
            ours_taken.append(ours.rates(precision, options.batch, options.seconds))
            theirs_taken.append({b: peer_rate(tower, pixels[b], device, options.seconds) for b in options.batch})
        for batch in options.batch:
            row = {"precision": precision, "batch": batch,
                   "catwalk": statistics.median(taken[batch] for taken in ours_taken),
                   "transformers": statistics.median(taken[batch] for taken in theirs_taken)}
            print(f"{precision:<6}{batch:>6}  catwalk {row['catwalk']:>9.0f}  transformers {row['transformers']:>9.0f}"
                  f"  {row['catwalk'] / row['transformers']:.2f} times", flush=True)
            rows.append(row)
    return rows


def whole(ours, folder, pictures, device, options):
    """JPEG files to vectors. catwalk's start is taken out by the difference between many files and few."""
    few, many = pictures[: len(pictures) // 8], pictures
    other = SentenceTransformers(folder, "fp16", os.cpu_count(), device)
    taken, theirs, peak = [], [], 0

    other.encode(few, 32)
    for _ in range(options.rounds):
        short, long = ours.files("fp16", few), ours.files("fp16", many)
        taken.append((len(many) - len(few)) / (long[0] - short[0]))
        peak = max(peak, long[2])
        begun = time.perf_counter()
        other.encode(many, 32)
        theirs.append(len(many) / (time.perf_counter() - begun))
    row = {"catwalk": statistics.median(taken), "sentence-transformers": statistics.median(theirs), "peak_bytes": peak}
    print(f"JPEG          catwalk {row['catwalk']:>9.1f}  sentence-transformers {row['sentence-transformers']:.1f}"
          f"  {row['catwalk'] / row['sentence-transformers']:.2f} times; {peak / 1e6:.0f} MB", flush=True)
    return row


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench cuda", description=__doc__)
    parser.add_argument("--device", default="cuda:0")
    parser.add_argument("--precision", nargs="+", choices=list(TYPES), default=list(TYPES))
    parser.add_argument("--batch", nargs="+", type=int, default=[1, 8, 32, 64, 256])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1)
    parser.add_argument("--pictures", type=int, default=320)
    parser.add_argument("--times", type=int, default=5, help="how often each picture is embedded in a round")
    parser.add_argument("--binary", type=pathlib.Path, default=ROOT / "build" / "release" / "catwalk")
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "build" / "bench" / "embed")
    parser.add_argument("--output", type=pathlib.Path, default=ROOT / "build" / "bench" / "cuda.json")
    options = parser.parse_args()
    if not torch.cuda.is_available():
        sys.exit("bench: torch sees no CUDA device: set up with CATWALK_CUDA=1 on a machine that has one")

    folder, models = write_model(options.work / "hf"), options.work / "models"
    ours = Catwalk(options.binary, options.device, models)
    if not (models / "bench").exists():
        run([options.binary, "model", "import", folder, "--name", "bench"], env=ours.environment)
    name = torch.cuda.get_device_name(options.device)
    print(f"{name}, torch {torch.__version__}, {os.cpu_count()} CPU cores; ViT-B/32, seeded weights; images a second\n")
    result = {"gpu": name, "torch": torch.__version__, "cores": os.cpu_count(),
              "forward": forward(ours, folder, options.device, options)}
    pictures = write_pictures(options.work / "pictures", options.pictures) * options.times
    result["whole"] = whole(ours, folder, pictures, options.device, options)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(result, indent=1) + "\n")
    print(f"\nwritten to {options.output}")


if __name__ == "__main__":
    main()
