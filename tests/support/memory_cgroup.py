"""A control group that limits the memory of one process, where this machine lets a test make one."""

import os
import pathlib
import time


def own_memory_group():
    """The folder of this process' memory control group (version 2 or 1); None where there is none to write to."""
    for line in pathlib.Path("/proc/self/cgroup").read_text().splitlines():
        number, controllers, path = line.split(":", 2)
        if number == "0" and pathlib.Path("/sys/fs/cgroup/cgroup.controllers").exists():
            return pathlib.Path("/sys/fs/cgroup" + path)
        if controllers == "memory":
            for folder in (f"/sys/fs/cgroup/memory{path}", "/sys/fs/cgroup/memory"):
                if os.access(folder, os.W_OK):
                    return pathlib.Path(folder)
    return None


class MemoryGroup:
    """`join` as preexec_fn puts a process into it; `peak` is the most that it used, in bytes."""

    def __init__(self, folder, limit):
        self.folder = folder / f"catwalk-test-{os.getpid()}"
        self.folder.mkdir()
        self.new = (self.folder / "memory.max").exists()
        (self.folder / ("memory.max" if self.new else "memory.limit_in_bytes")).write_text(str(limit))

    @classmethod
    def make(cls, limit):
        """None where this machine does not permit it."""
        folder = own_memory_group()
        try:
            return cls(folder, limit) if folder else None
        except OSError:
            return None

    def join(self):
        (self.folder / "cgroup.procs").write_text(str(os.getpid()))

    @property
    def peak(self):
        return int((self.folder / ("memory.peak" if self.new else "memory.max_usage_in_bytes")).read_text())

    def remove(self):
        for _ in range(50):
            try:
                return self.folder.rmdir()
            except OSError:  # its process is not quite gone
                time.sleep(0.1)
