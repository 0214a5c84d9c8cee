"""The most memory that a command of catwalk's had at once."""

import os
import signal
import subprocess
import sys

from .catwalk_binary import binary_path, environment
from .supabase.postgres import die_with_parent

# The kernel counts what a process held before it became another program: so a small one starts catwalk, not pytest.
STARTER = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[2:])
with open(sys.argv[1], "w") as file:
    print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024, file=file)
"""


def measured(folder, *arguments, timeout=180):
    """(exit code, what it said, bytes resident at most) of a command that is run to its end in `folder`."""
    noted, said = folder / "peak", folder / "said"
    with open(said, "wb") as output:
        starter = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", STARTER, noted, binary_path(), *map(str, arguments)],
            cwd=folder,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=die_with_parent(signal.SIGKILL),
        )
        try:
            assert starter.wait(timeout) == 0
        finally:
            if starter.poll() is None:
                os.killpg(starter.pid, signal.SIGKILL)  # catwalk too, which is not our child
                starter.wait(10)
    code, peak = map(int, noted.read_text().split())
    return code, said.read_text(errors="replace"), peak
