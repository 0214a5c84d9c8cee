"""Drawn garments: deterministic by number, neighbours alike but never equal."""

import functools
import io
import random

from PIL import Image, ImageDraw

SHAPES = {
    "shirt": [
        (0.25, 0.2),
        (0.4, 0.15),
        (0.6, 0.15),
        (0.75, 0.2),
        (0.95, 0.42),
        (0.82, 0.5),
        (0.74, 0.4),
        (0.74, 0.85),
        (0.26, 0.85),
        (0.26, 0.4),
        (0.18, 0.5),
        (0.05, 0.42),
    ],
    "trousers": [(0.3, 0.1), (0.7, 0.1), (0.78, 0.92), (0.58, 0.92), (0.5, 0.35), (0.42, 0.92), (0.22, 0.92)],
    "dress": [
        (0.36, 0.12),
        (0.44, 0.18),
        (0.56, 0.18),
        (0.64, 0.12),
        (0.62, 0.45),
        (0.85, 0.92),
        (0.15, 0.92),
        (0.38, 0.45),
    ],
    "bag": [(0.2, 0.45), (0.8, 0.45), (0.88, 0.85), (0.12, 0.85)],
}


def _colour(source, low=20, high=235):
    return tuple(source.randint(low, high) for _ in range(3))


@functools.lru_cache(maxsize=4096)
def picture(number, seed=1, size=(384, 512), format_name="JPEG"):
    """The bytes of one picture."""
    source = random.Random(f"{seed}:{number}")
    width, height = size
    image = Image.new("RGB", size, _colour(source, 200, 250))
    draw = ImageDraw.Draw(image)
    cloth, second = _colour(source), _colour(source)
    shape = [(x * width, y * height) for x, y in SHAPES[source.choice(sorted(SHAPES))]]
    mask = Image.new("L", size)
    ImageDraw.Draw(mask).polygon(shape, fill=255)
    pattern = Image.new("RGB", size, cloth)
    brush = ImageDraw.Draw(pattern)
    step = source.randint(10, 40)
    kind = source.choice(("plain", "stripes", "bars", "dots"))
    for at in range(0, max(size), step):
        if kind == "stripes":
            brush.line([(at, 0), (at, height)], fill=second, width=step // 3)
        elif kind == "bars":
            brush.line([(0, at), (width, at)], fill=second, width=step // 3)
        elif kind == "dots":
            for x in range(0, width, step):
                brush.ellipse([x, at, x + step // 3, at + step // 3], fill=second)
    image.paste(pattern, mask=mask)
    draw.line([*shape, shape[0]], fill=(30, 30, 30), width=3)
    output = io.BytesIO()
    image.save(output, format_name, quality=88)
    return output.getvalue()
