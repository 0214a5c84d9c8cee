"""Images per second and CPU time per image of the forward pass, beside transformers' eager CLIPVisionModel.

Usage: vision_timing.py TIMING_EXECUTABLE MODELS_DIR [ROUNDS]. Alternates between the two, so that both see the same
machine, and prints medians. MODELS_DIR holds a stored model named untrained.
"""

import json
import resource
import statistics
import subprocess
import sys
import time

import torch
from vision_models import seeded_clip

BATCHES = [1, 8, 32]
THREADS = 2


def theirs(model, batch, seconds=2.0):
    pixels = torch.randn(batch, 3, 224, 224, dtype=model.dtype)
    walls, cpus = [], []
    with torch.inference_mode():
        for i in range(100):
            wall, cpu = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
            model.visual_projection(model.vision_model(pixels).pooler_output)
            after = resource.getrusage(resource.RUSAGE_SELF)
            if i:
                walls.append(time.perf_counter() - wall)
                cpus.append(after.ru_utime + after.ru_stime - cpu.ru_utime - cpu.ru_stime)
            if sum(walls) > seconds and i > 2:
                break
    return batch / statistics.median(walls), 1000 * statistics.median(cpus) / batch


def main():
    executable, models, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 3
    torch.set_num_threads(THREADS)
    eager = {"fp32": seeded_clip(), "bf16": seeded_clip().bfloat16()}
    for model in eager.values():
        model.config._attn_implementation = model.config.vision_config._attn_implementation = "sdpa"
    print(f"{'precision':<10}{'batch':>6}{'catwalk img/s':>15}{'CPU ms':>8}{'eager img/s':>13}{'CPU ms':>8}{'CPU ratio':>11}")
    for precision, model in eager.items():
        for batch in BATCHES:
            ours, other = [], []
            for _ in range(rounds):
                run = subprocess.run([executable, f"{models}/untrained", precision, str(THREADS), "2", str(batch)],
                                     capture_output=True, text=True)
                if run.returncode:
                    print(f"{precision:<10}{batch:>6}  not taken: {run.stderr.strip()}")
                    break
                line = json.loads(run.stdout)
                ours.append((line["images_per_second"], line["cpu_ms_per_image"]))
                other.append(theirs(model, batch))
            if not ours:
                continue
            a, b = ([statistics.median(x) for x in zip(*side)] for side in (ours, other))
            print(f"{precision:<10}{batch:>6}{a[0]:>15.1f}{a[1]:>8.1f}{b[0]:>13.1f}{b[1]:>8.1f}{b[1] / a[1]:>11.2f}", flush=True)


if __name__ == "__main__":
    main()
