#!/usr/bin/env python3
"""docs/configuration.md names every variable of the environment that the code reads, and every key of sites.yaml.

What the keys of catwalk.yaml are and default to is held to the page by tests/unit/config/reference_test.cpp.
"""

import json
import pathlib
import re
import sys
import tempfile

FOLDERS = ("config", "core", "scrape", "embed", "storage", "daemon")
# What libraries read of the environment for us: systemd's, and std::filesystem's.
OF_LIBRARIES = {"WATCHDOG_USEC", "TMPDIR"}
# Written as variables are, but other things.
NO_VARIABLES = re.compile(r"AVX512_CORE|CATWALK_|(TUNNEL|PROXY)_CONNECTION_FAILED")
LOOKED_UP = re.compile(r'(?:getenv\(|environment\.find\(|absolute_path\(environment, )"([A-Z0-9_]+)"')
# A name with an underscore is a variable wherever it stands; one without only in a list that is looked up.
LONG_NAME = re.compile(r'"([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)"')
LIST = re.compile(r'\{((?:\s*"[A-Z0-9_]+",?)+)\s*\}\)\s*(?:\{\s*)?if \(const char\* \w+ = std::getenv')
FIELDS = re.compile(r"void check_field_name.*?known\{(.*?)\};", re.DOTALL)
KEY = re.compile(r'\.on\(\s*"(\w+)"')


def variables(root):
    names = set(OF_LIBRARIES)
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*.[ch]pp")):
            source = path.read_text(encoding="utf-8")
            names.update(LOOKED_UP.findall(source))
            names.update(name for name in LONG_NAME.findall(source) if not NO_VARIABLES.match(name))
            for names_of_list in LIST.findall(source):
                names.update(re.findall(r'"([A-Z0-9_]+)"', names_of_list))
    return names


def table(page, title):
    """The lines of the table with this title in its first column."""
    found = re.search(rf"^\| {re.escape(title)}.*\n(\|.*\n)+", page, re.MULTILINE)
    return found[0] if found else ""


def missing(text, names):
    return [name for name in sorted(names) if not re.search(rf"`{re.escape(name)}`", text)]


def site_keys(root):
    """The keys of each mapping in sites.yaml, as the schema has them."""
    schema = json.loads((root / "config/schema/sites.schema.json").read_text())
    return {name: set(one["properties"]) for name, one in schema["definitions"].items() if "properties" in one}


def problems(root):
    page = (root / "docs/configuration.md").read_text(encoding="utf-8")
    for name in missing(page, variables(root)):
        yield f"the variable {name} is not on the page"

    keys = site_keys(root)
    sources = "".join((root / f"config/{name}.cpp").read_text() for name in ("sites_file", "site_source", "shop_source"))
    in_schema = set().union(*(names for mapping, names in keys.items() if mapping != "field_map"))
    for name in sorted(set(KEY.findall(sources)) ^ in_schema):
        yield f"the key {name} is in one of code and schema alone"
    titles = {"site": "key of a site"} | {kind: f"key of `{kind}`" for kind in ("api", "html", "shopify", "sitemap", "feed")}
    # What is nested stands in the row of the key that holds it.
    held_by = {"paging": "api", "discover_categories": "api", "discover_categories_html": "api"}
    for mapping, names in sorted(keys.items()):
        if mapping in ("field_map", "fallback_html"):
            continue
        for name in missing(table(page, titles[held_by.get(mapping, mapping)]), names):
            yield f"the key {name} of {mapping} is not in its table"
    for name in missing(table(page, titles["api"]), keys["fallback_html"] - keys["html"]):
        yield f"the key {name} of fallback_html is not in the table of api"

    known = re.findall(r'"(\w+)"', FIELDS.search((root / "config/source_values.cpp").read_text())[1])
    for name in missing(table(page, "field of `field_map`"), set(known) | keys["field_map"]):
        yield f"the field {name} is not in the table of field_map's"


def self_test():
    """The check finds the ways in which the code names a variable."""
    with tempfile.TemporaryDirectory() as name:
        root = pathlib.Path(name)
        for folder in FOLDERS:
            (root / folder).mkdir()
        (root / "core/a.cpp").write_text(
            'std::getenv("SHELL"); f("SOME_URL", "POST"); '
            'for (const char* name : {"LANG", "LC_ALL"})\n    if (const char* value = std::getenv(name)) x();'
        )
        assert variables(root) - OF_LIBRARIES == {"SHELL", "SOME_URL", "LANG", "LC_ALL"}, variables(root)
    assert missing("`A_B` A_C `A_D_E`", {"A_B", "A_C", "A_D"}) == ["A_C", "A_D"]


if __name__ == "__main__":
    self_test()
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[2]
    found = list(problems(root))
    for line in found:
        print(line, file=sys.stderr)
    sys.exit(1 if found else 0)
