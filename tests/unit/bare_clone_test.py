#!/usr/bin/env python3
"""In a clone where nothing was set up yet, the scripts that build call scripts/setup, and what it says is what one reads."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

SETUP = """#!/bin/sh
echo "setup $* was called" >&2
exit 7
"""


def run(clone: pathlib.Path, *command: str) -> subprocess.CompletedProcess:
    environment = {"PATH": os.environ["PATH"], "HOME": str(clone)}
    return subprocess.run(command, cwd=clone, env=environment, capture_output=True, text=True, timeout=60)


def main() -> int:
    root = pathlib.Path(sys.argv[1])
    failures = []
    with tempfile.TemporaryDirectory() as folder:
        clone = pathlib.Path(folder)
        shutil.copytree(root / "scripts", clone / "scripts")
        (clone / "scripts" / "setup").write_text(SETUP)
        for command in (
            ("scripts/build",),
            ("scripts/build", "release", "catwalk"),
            ("scripts/package", "tgz"),
            ("scripts/bench", "scrape"),
            ("scripts/bench", "embed"),
            ("scripts/bench", "search"),
            ("scripts/bench", "sink"),
        ):
            done = run(clone, *command)
            said = done.stdout + done.stderr
            good = done.returncode == 7 and "setup" in done.stderr and "running scripts/setup" in said
            if not good or "Traceback" in said or "No such file" in said:
                failures.append(f"{' '.join(command)}: exit {done.returncode}: {said}")
    print("\n".join(failures) or "every script sets up first")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
