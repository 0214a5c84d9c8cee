"""Pictures in the variants of GIF and BMP that shops and old tools write, and that Pillow reads but does not write."""

import io
import random
import struct

from PIL import Image


def noise(width, height, colours, seed=5):
    """Indices in runs, as drawings have them."""
    rng = random.Random(seed)
    out = bytearray()
    while len(out) < width * height:
        out += bytes([rng.randrange(colours)]) * rng.choice([1, 1, 2, 3, 9, 40])
    return bytes(out[: width * height])


def palette(colours, seed=6):
    rng = random.Random(seed)
    return [tuple(rng.randrange(256) for _ in range(3)) for _ in range(colours)]


# --- GIF ---


def lzw(indices, bits):
    """GIF's LZW without compression: a clear code often enough that the codes never grow."""
    clear, out, held, size = 1 << bits, bytearray(), 0, 0
    codes = [clear]
    for i, index in enumerate(indices):
        if i and i % ((1 << bits) - 2) == 0:
            codes.append(clear)
        codes.append(index)
    codes.append(clear + 1)
    for code in codes:
        held |= code << size
        size += bits + 1
        while size >= 8:
            out.append(held & 255)
            held >>= 8
            size -= 8
    if size:
        out.append(held & 255)
    blocks = b"".join(bytes([len(out[i : i + 255])]) + bytes(out[i : i + 255]) for i in range(0, len(out), 255))
    return bytes([bits]) + blocks + b"\0"


def colour_table(colours):
    return b"".join(bytes(c) for c in colours)


def gif(screen, frame, indices, screen_colours=None, frame_colours=None, bits=4, transparent=None, interlaced=False,
        background=0):
    """One frame at (left, top, width, height) on a screen of (width, height)."""
    flags = lambda colours: 0x80 | (len(colours).bit_length() - 2) if colours else 0  # noqa: E731
    data = b"GIF89a" + struct.pack("<HHBBB", *screen, flags(screen_colours), background, 0)
    data += colour_table(screen_colours or [])
    data += b"!\xfe\x05hello\0"
    if transparent is not None:
        data += b"!\xf9\x04\x01\0\0" + bytes([transparent]) + b"\0"
    data += b"," + struct.pack("<HHHHB", *frame, flags(frame_colours) | (0x40 if interlaced else 0))
    return data + colour_table(frame_colours or []) + lzw(indices, bits) + b";"


def gifs():
    sixteen, other = palette(16), palette(16, 7)
    whole = noise(37, 29, 16)
    part = noise(10, 8, 16)
    made = {
        "plain": gif((37, 29), (0, 0, 37, 29), whole, sixteen),
        "interlaced": gif((37, 29), (0, 0, 37, 29), whole, sixteen, interlaced=True),
        "interlaced_low": gif((10, 3), (0, 0, 10, 3), noise(10, 3, 16), sixteen, interlaced=True),
        "own_colours": gif((37, 29), (0, 0, 37, 29), whole, sixteen, other),
        "no_colours": gif((37, 29), (0, 0, 37, 29), whole),
        "part_of_the_screen": gif((37, 29), (5, 6, 10, 8), part, sixteen, background=3),
        "part_transparent": gif((37, 29), (5, 6, 10, 8), part, sixteen, transparent=9),
        "beyond_the_screen": gif((12, 9), (5, 6, 10, 8), part, sixteen),
        "transparent": gif((37, 29), (0, 0, 37, 29), whole, sixteen, transparent=3),
        "too_few_colours": gif((37, 29), (0, 0, 37, 29), whole, sixteen[:8]),
    }
    picture = Image.effect_mandelbrot((90, 70), (-2, -1.5, 1, 1.5), 50).convert("RGB")
    for name, image in {"pillow_p": picture.quantize(200), "pillow_l": picture.convert("L"),
                        "pillow_1": picture.convert("1"), "pillow_2": picture.quantize(2)}.items():
        out = io.BytesIO()
        image.save(out, "GIF")
        made[name] = out.getvalue()
    out = io.BytesIO()
    frames = [picture.rotate(90 * i).quantize(64) for i in range(3)]
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], duration=100, transparency=5, disposal=2)
    made["pillow_animated"] = out.getvalue()
    return made


# --- BMP ---


def bmp(width, height, bits, pixels, colours=(), header=40, compression=0, masks=b"", gap=0, colours_used=None):
    """`pixels` as stored: rows from the bottom (with a negative height from the top), padded to 4 bytes."""
    entry = "BBBx" if header != 12 else "BBB"
    table = b"".join(struct.pack(entry, *reversed(c)) for c in colours)
    if header == 12:
        info = struct.pack("<IHHHH", 12, width, height, 1, bits)
    else:
        used = len(colours) if colours_used is None else colours_used
        info = struct.pack("<IiiHHIIiiII", header, width, height, 1, bits, compression, len(pixels), 2835, 2835, used, 0)
        if header > 40:
            info += masks + bytes(header - 40 - len(masks))
            masks = b""
    start = 14 + len(info) + len(masks) + len(table)
    return b"BM" + struct.pack("<IHHI", start + gap + len(pixels), 0, 0, start + gap) + info + masks + table + bytes(
        gap) + pixels


def rows(indices, width, bits):
    """Indices of 1, 4 or 8 bits as rows padded to 4 bytes."""
    out = bytearray()
    for at in range(0, len(indices), width):
        row = indices[at : at + width]
        line, held, size = bytearray(), 0, 0
        for index in row:
            held, size = held << bits | index, size + bits
            if size == 8:
                line.append(held)
                held = size = 0
        if size:
            line.append(held << (8 - size))
        out += line + bytes(-len(line) % 4)
    return bytes(out)


def true_colour(width, height, bits, seed=8):
    rng = random.Random(seed)
    line = width * bits // 8
    return b"".join(rng.randbytes(line) + bytes(-line % 4) for _ in range(height))


def rle8(indices, width):
    """Runs, literal stretches, a jump where a row ends in zeros, and the ends of rows."""
    out = bytearray()
    for n, at in enumerate(range(0, len(indices), width)):
        row = indices[at : at + width]
        x = 0
        while x < width:
            run = 1
            while x + run < width and row[x + run] == row[x] and run < 255:
                run += 1
            if run == 1 and n % 3 == 0 and width - x >= 5:
                literal = row[x : x + 5]
                out += bytes([0, 5]) + literal + b"\0"
                x += 5
            else:
                out += bytes([run, row[x]])
                x += run
        out += b"\0\0"
    return bytes(out) + b"\0\1"


def rle4(indices, width):
    out = bytearray()
    for n, at in enumerate(range(0, len(indices), width)):
        row = indices[at : at + width]
        x = 0
        while x < width:
            if n % 2 and width - x >= 5:
                a = row[x : x + 5]
                out += bytes([0, 5, a[0] << 4 | a[1], a[2] << 4 | a[3], a[4] << 4, 0])
                x += 5
                continue
            pair = (row[x], row[x + 1] if x + 1 < width else 0)
            run = 1
            while x + run < width and row[x + run] == pair[run % 2] and run < 255:
                run += 1
            out += bytes([run, pair[0] << 4 | pair[1]])
            x += run
        out += b"\0\0"
    return bytes(out) + b"\0\1"


def masks(*values):
    return struct.pack(f"<{len(values)}I", *values)


def bmps():
    w, h = 35, 23
    colours = {1: palette(2), 4: palette(16), 8: palette(256)}
    indices = {bits: noise(w, h, 1 << bits) for bits in colours}
    made = {}
    for bits in colours:
        stored = rows(indices[bits], w, bits)
        made[f"{bits}_bits"] = bmp(w, h, bits, stored, colours[bits])
        made[f"{bits}_bits_os2"] = bmp(w, h, bits, stored, colours[bits], header=12)
        made[f"{bits}_bits_from_the_top"] = bmp(w, -h, bits, stored, colours[bits])
        made[f"{bits}_bits_v5"] = bmp(w, h, bits, stored, colours[bits], header=124)
        made[f"{bits}_bits_gap"] = bmp(w, h, bits, stored, colours[bits], gap=20)
        made[f"{bits}_bits_colours_not_counted"] = bmp(w, h, bits, stored, colours[bits], colours_used=0)
    made["few_colours"] = bmp(w, h, 8, rows(noise(w, h, 100), w, 8), palette(100))
    made["indices_without_a_colour"] = bmp(w, h, 8, rows(indices[8], w, 8), palette(100))
    made["grey_8"] = bmp(w, h, 8, rows(indices[8], w, 8), [(i, i, i) for i in range(256)])
    made["black_and_white"] = bmp(w, h, 1, rows(indices[1], w, 1), [(0, 0, 0), (255, 255, 255)])
    made["white_and_black"] = bmp(w, h, 1, rows(indices[1], w, 1), [(255, 255, 255), (0, 0, 0)])
    for bits in (16, 24, 32):
        stored = true_colour(w, h, bits)
        made[f"{bits}_bits"] = bmp(w, h, bits, stored)
        made[f"{bits}_bits_from_the_top"] = bmp(w, -h, bits, stored)
        made[f"{bits}_bits_v4"] = bmp(w, h, bits, stored, header=108)
    made["24_bits_os2"] = bmp(w, h, 24, true_colour(w, h, 24), header=12)
    for name, bits, mask in [("555", 16, (0x7C00, 0x3E0, 0x1F)), ("565", 16, (0xF800, 0x7E0, 0x1F)),
                             ("xrgb", 32, (0xFF0000, 0xFF00, 0xFF)), ("rgbx", 32, (0xFF000000, 0xFF0000, 0xFF00)),
                             ("rxgb", 32, (0xFF000000, 0xFF00, 0xFF)), ("none", 32, (0, 0, 0)),
                             ("24", 24, (0xFF0000, 0xFF00, 0xFF))]:
        made[f"fields_{name}"] = bmp(w, h, bits, true_colour(w, h, bits), compression=3, masks=masks(*mask))
        made[f"fields_{name}_v2"] = bmp(w, h, bits, true_colour(w, h, bits), header=52, compression=3, masks=masks(*mask))
    for name, mask in [("rgba", (0xFF, 0xFF00, 0xFF0000, 0xFF000000)), ("argb", (0xFF0000, 0xFF00, 0xFF, 0xFF000000)),
                       ("abgr", (0xFF000000, 0xFF0000, 0xFF00, 0xFF)), ("ragb", (0xFF000000, 0xFF00, 0xFF, 0xFF0000))]:
        for header in (56, 108, 124):
            made[f"fields_{name}_{header}"] = bmp(w, h, 32, true_colour(w, h, 32), header=header, compression=3,
                                                  masks=masks(*mask))
    made["rle8"] = bmp(w, h, 8, rle8(indices[8], w), colours[8], compression=1)
    made["rle4"] = bmp(w, h, 4, rle4(indices[4], w), colours[4], compression=2)
    jump = bytes([0, 2, 3, 1]) + rle8(indices[8][: w * (h - 1)], w)[:-2]
    made["rle8_jump"] = bmp(w, h, 8, jump, colours[8], compression=1)
    too_long = b"".join(bytes([w + 9, n]) + b"\0\0" for n in range(h))
    made["rle8_runs_over_the_edge"] = bmp(w, h, 8, too_long, colours[8], compression=1)
    picture = Image.effect_mandelbrot((90, 70), (-2, -1.5, 1, 1.5), 50).convert("RGB")
    for mode in ("1", "L", "P", "RGB", "RGBA"):
        out = io.BytesIO()
        (picture.quantize(99) if mode == "P" else picture.convert(mode)).save(out, "BMP")
        made[f"pillow_{mode}"] = out.getvalue()
    return made
