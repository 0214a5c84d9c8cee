"""CPU milliseconds per 800 x 1200 JPEG: the executable named by the argument, and Pillow with transformers' CLIP
processor, in turn in the same minute, so that both meet the same machine.

    python image_timing.py build/release/tests/compat/embed/embed_image_timing
"""

import io
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

WIDTH, HEIGHT, PICTURES, ROUNDS = 800, 1200, 4, 5


def pictures(folder):
    """Drawn at the size and quality of a shop's photographs (about 200 kB)."""
    files = []
    for seed in range(PICTURES):
        rng = np.random.default_rng(seed)
        coarse = Image.fromarray(rng.integers(0, 256, (30, 20, 3), dtype=np.uint8)).resize((WIDTH, HEIGHT), 3)
        fine = np.asarray(coarse) + rng.normal(0, 7, (HEIGHT, WIDTH, 1))
        files.append(folder / f"{seed}.jpg")
        Image.fromarray(np.clip(fine, 0, 255).astype(np.uint8)).save(files[-1], quality=85)
    return files


def ours(executable, files, threads):
    run = subprocess.run([executable, "10", str(threads), *map(str, files)], capture_output=True, check=True)
    return json.loads(run.stdout)


def theirs(files):
    processor = CLIPImageProcessorPil(do_rescale=False, do_normalize=False)
    decode = resize = 0.0
    for file in files:
        data = file.read_bytes()
        start = time.process_time()
        image = Image.open(io.BytesIO(data)).convert("RGB")
        decoded = time.process_time()
        processor(image, return_tensors="np")
        decode += decoded - start
        resize += time.process_time() - decoded
    return {"decode_ms": 1e3 * decode / len(files), "resize_ms": 1e3 * resize / len(files)}


def main():
    with tempfile.TemporaryDirectory() as folder:
        files = pictures(Path(folder))
        print(f"{WIDTH} x {HEIGHT} JPEG, {files[0].stat().st_size // 1000} kB; CPU ms per picture, best of {ROUNDS}")
        rounds = [(ours(sys.argv[1], files, 1), ours(sys.argv[1], files, 2), theirs(files)) for _ in range(ROUNDS)]
        for name, runs in zip(("one thread", "two threads", "Pillow and transformers"), zip(*rounds)):
            best = {key: min(run[key] for run in runs) for key in runs[0] if key.endswith("_ms")}
            print(f"{name:>24}: " + ", ".join(f"{key[:-3]} {value:.2f}" for key, value in best.items()))


if __name__ == "__main__":
    main()
