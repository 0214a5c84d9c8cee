#!/usr/bin/env python3
"""Fails on an include against the direction of dependencies: config <- core <- {scrape, embed, storage} <- daemon."""

import pathlib
import re
import sys
import tempfile

MAY_INCLUDE = {
    "config": {"config"},
    "core": {"config", "core"},
    "scrape": {"config", "core", "scrape"},
    "embed": {"config", "core", "embed"},
    "storage": {"config", "core", "storage"},
    "daemon": {"config", "core", "scrape", "embed", "storage", "daemon"},
}
# Libraries that stay behind one folder's interface.
KEPT_IN = {
    re.compile(r"<(torch|ATen|c10)/"): {"embed"},
    re.compile(r"<opencv2/"): {"embed", "daemon"},
    re.compile(r"<curl/"): {"core"},
    re.compile(r"<(sqlite3\.h|SQLiteCpp/|libpq)"): {"storage"},
    re.compile(r"<yaml-cpp/"): {"config"},
    re.compile(r"<simdjson\.h>"): {"scrape"},
    re.compile(r"<jemalloc/"): {"core"},
}
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')


def violations(root: pathlib.Path):
    for folder, allowed in MAY_INCLUDE.items():
        for path in sorted((root / folder).rglob("*.[ch]pp")):
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                found = INCLUDE.match(line)
                if not found:
                    continue
                target = found.group(2)
                top = target.split("/")[0]
                if found.group(1) == '"' and (top not in allowed or not (root / target).is_file()):
                    yield f"{path.relative_to(root)}:{number}: {folder}/ must not include \"{target}\""
                if found.group(1) == "<":
                    for library, folders in KEPT_IN.items():
                        if library.match(f"<{target}") and folder not in folders:
                            yield f"{path.relative_to(root)}:{number}: <{target}> belongs in {', '.join(sorted(folders))}/"


def self_test():
    """The check finds what it is for."""
    with tempfile.TemporaryDirectory() as name:
        root = pathlib.Path(name)
        for folder in MAY_INCLUDE:
            (root / folder).mkdir()
        (root / "core/a.hpp").write_text('#include "storage/b.hpp"\n')
        (root / "storage/b.hpp").write_text("#include <torch/script.h>\n#include \"core/a.hpp\"\n")
        found = list(violations(root))
        assert len(found) == 2 and "core/a.hpp:1" in found[0] and "torch" in found[1], found


if __name__ == "__main__":
    self_test()
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[2]
    found = list(violations(root))
    print("\n".join(found) if found else "every include points the right way")
    sys.exit(1 if found else 0)
