"""The sites files that the tests read: the predecessor's own, and the same with the shop's address."""

import pathlib

import yaml

FOLDER = pathlib.Path(__file__).resolve().parent / "sites"


def site_text(shop, date="2026-02", **more):
    """The predecessor's Zara entry with the shop's address for Zara's, and settings of catwalk's own."""
    text = (FOLDER / f"zara-{date}.yaml").read_text(encoding="utf-8")
    text = text.replace("https://www.zara.com", shop.url).rstrip() + "\n"
    return text + "".join(
        f"  {name}: {yaml.safe_dump(value, default_flow_style=True).splitlines()[0]}\n"
        for name, value in more.items()
    )
