"""What a process holds open."""

import os
import warnings


def open_descriptors(pid):
    """How many descriptors it has; 0 with a warning where root alone may look: catwalk makes itself not dumpable."""
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))
    except PermissionError:
        if os.getuid() == 0:
            raise
        warnings.warn("the descriptors were not counted, since root alone may look", stacklevel=2)
        return 0
