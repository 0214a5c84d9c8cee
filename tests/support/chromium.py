"""Whether Debian's Chromium runs here, asked once."""

import functools
import os
import shutil
import subprocess


@functools.cache
def why_not():
    """None where it runs, else the reason. Its sandbox needs user namespaces, which some containers deny."""
    program = shutil.which("chromium")
    if program is None:
        return "there is no chromium: scripts/setup --test installs it where Debian has it"
    flags = ["--headless", "--disable-gpu", *(["--no-sandbox"] if os.getuid() == 0 else [])]
    try:
        done = subprocess.run(
            [program, *flags, "--dump-dom", "about:blank"], capture_output=True, text=True, timeout=60, check=False
        )
    except subprocess.TimeoutExpired:
        return "chromium does not start within a minute"
    if done.returncode == 0 and "<html>" in done.stdout:
        return None
    return f"chromium does not run here: {(done.stderr.strip().splitlines() or ['it says nothing'])[-1]}"
