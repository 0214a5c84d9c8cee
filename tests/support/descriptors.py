"""What a process holds open."""

import os


def open_descriptors(pid):
    """How many descriptors it has; 0 where root alone may look, since catwalk makes itself not dumpable."""
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))
    except PermissionError:
        if os.getuid() == 0:
            raise
        return 0
